/** How many tokens of a text, or of each of a pair, stay where there is room for `room`: a pair's longer one gives first. */
export function truncatedLengths(lengths: readonly number[], room: number): readonly number[] {
  const [first = 0, second] = lengths;
  if (second === undefined) return [Math.min(first, room)];
  if (first + second <= room) return [first, second];
  const [short, long] = first > second ? [second, first] : [first, second];
  let [few, many] = [short, Math.min(long, Math.max(short, room - short))];
  if (few + many > room) {
    few = Math.floor(room / 2);
    many = few + (room % 2);
  }
  return first > second ? [many, few] : [few, many];
}
