import { DataFile } from '../data/data-file.js';

/** The text of a shell command whose interpolations are quoted. Made by `io.sh`. */
export class ShellCommand {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** The template tag behind `io.sh`: see {@link Io.sh}. */
export function sh(strings: TemplateStringsArray, ...values: readonly unknown[]): ShellCommand {
  let text = strings[0] ?? '';
  values.forEach((value, index) => {
    text += interpolated(value, index, strings) + (strings[index + 1] ?? '');
  });
  return new ShellCommand(text);
}

/** One word for a POSIX shell, whatever it contains (POSIX.1-2017, Shell Command Language 2.2.2). */
export function quoteWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function interpolated(value: unknown, index: number, strings: TemplateStringsArray): string {
  if (value instanceof ShellCommand) return value.text;
  if (Array.isArray(value)) return value.map((item) => interpolated(item, index, strings)).join(' ');
  const word = wordOf(value);
  if (word === undefined) {
    const before = (strings[index] ?? '').slice(-20);
    throw new TypeError(
      `io.sh: value ${index + 1}, after ${JSON.stringify(before)}, is ${describe(value)}: give a string, a number, a DataFile or an array of them`,
    );
  }
  if (word.includes('\0'))
    throw new TypeError(`io.sh: value ${index + 1} contains a NUL byte, which no command can be given`);
  return quoteWord(word);
}

function wordOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  if (value instanceof DataFile || value instanceof URL) return String(value);
  return undefined;
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return `a ${value.constructor?.name ?? 'object'}`;
}
