import * as z from 'zod';
import { SluiceError } from './errors.js';

/**
 * What a schema makes of options. Not for those that hold secrets: the error keeps the schema's own as its cause.
 *
 * @param what names the options in the error: `load options`
 * @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once
 */
export function parseOptions<T>(schema: z.ZodType<T>, options: unknown, what: string): T {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new SluiceError('INVALID_OPTIONS', `${what}:\n${z.prettifyError(parsed.error)}`, { cause: parsed.error });
}
