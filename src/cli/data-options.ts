import { InvalidArgumentError, Option } from 'commander';

/** How the data that a command names is read. */
export function formatOption(): Option {
  return new Option('--format <format>', 'format of the data; auto goes by the file name')
    .choices(['auto', 'parquet', 'csv', 'jsonl', 'arrow'])
    .default('auto');
}

export function rowCountOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 0 && count <= 1000) return count;
    throw new InvalidArgumentError('It is not a whole number from 0 to 1000.');
  });
}
