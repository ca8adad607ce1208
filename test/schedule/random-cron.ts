import fc from 'fast-check';

function fieldOf(first: number, last: number): fc.Arbitrary<string> {
  const value = fc.integer({ min: first, max: last });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value.map(String) },
    { weight: 1, arbitrary: range },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: last }).map((step) => `*/${step}`) },
    { weight: 1, arbitrary: fc.tuple(range, fc.integer({ min: 1, max: 6 })).map(([r, step]) => `${r}/${step}`) },
    { weight: 1, arbitrary: fc.uniqueArray(value, { minLength: 2, maxLength: 4 }).map((list) => list.join(',')) },
  );
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekday = fc.integer({ min: 0, max: 6 });

/** Expressions of five fields, of all forms that are known; some are never due. */
export const randomCron: fc.Arbitrary<string> = fc
  .tuple(
    fieldOf(0, 59),
    fieldOf(0, 23),
    fc.oneof({ weight: 6, arbitrary: fieldOf(1, 31) }, { weight: 1, arbitrary: fc.constant('L') }),
    fc.oneof({ weight: 6, arbitrary: fieldOf(1, 12) }, { weight: 1, arbitrary: fc.constantFrom(...monthNames) }),
    fc.oneof(
      { weight: 6, arbitrary: fieldOf(0, 6) },
      { weight: 1, arbitrary: fc.constantFrom('MON-FRI', 'SAT', 'SUN', 'TUE,THU') },
      { weight: 1, arbitrary: fc.tuple(weekday, fc.integer({ min: 1, max: 5 })).map(([day, nth]) => `${day}#${nth}`) },
      { weight: 1, arbitrary: weekday.map((day) => `${day}L`) },
    ),
  )
  .map((fields) => fields.join(' '));
