import { InvalidArgumentError } from 'commander';

/** For options that take a count. */
export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a whole number');
}
