import { SluiceError } from '../errors.js';

/**
 * The options of a staging that the environment of its process has, as JSON; `undefined` when it has none.
 *
 * @param example what such a variable looks like, for the error
 * @throws {SluiceError} `INVALID_OPTIONS`, which does not quote the text: it may hold passwords
 */
export function environmentOptions(variable: string, example: string): unknown {
  const text = process.env[variable];
  if (text === undefined || text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new SluiceError('INVALID_OPTIONS', `${variable} is not JSON: write ${example}`);
  }
}
