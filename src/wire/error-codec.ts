import { types } from 'node:util';
import { SluiceError } from '../errors.js';
import { ErrorRecord, readField, recordOf } from './codec/error-record.js';
import { decode, encode } from './codec.js';

/** A chain of causes is cut after this many errors. */
const MAX_CAUSES = 32;
/** Errors may share causes, and each stands in the message as often as it is reached. */
const MAX_ERRORS = 256;

/**
 * Writes whatever user code threw; never throws.
 *
 * What cannot be sent of an error is left out, and named in its own field `droppedFields`: fields, causes beyond 32
 * levels or of an earlier error. A value that is no Error becomes the `cause` of a SluiceError `NON_ERROR_THROWN`.
 *
 * @param context.app name of the app that threw
 */
export function encodeError(thrown: unknown, context: { readonly app: string }): Uint8Array<ArrayBuffer> {
  const ways = [
    () => sendableRecord(asError(thrown, context.app), { above: [], budget: { errors: MAX_ERRORS } }),
    // Each part can be sent, but all together nest too deep, or are too large.
    () => bareRecord(asError(thrown, context.app)),
  ];
  for (const way of ways) {
    try {
      return encode(way()).bytes;
    } catch {}
  }
  const message = `app '${context.app}' threw something that cannot be read: its own getters throw`;
  return encode(withoutStack(new SluiceError('NON_ERROR_THROWN', message))).bytes;
}

/**
 * Reads a message of {@link encodeError}; its `stack` is the remote one. Built-in errors and SluiceErrors are
 * instances of their class with all fields; others are of the nearest such class, with `name`, own fields, `cause`,
 * and `remote: { stack }`, which is not enumerable.
 *
 * @throws {SluiceError} `PROTOCOL` when the message is not one of an error.
 */
export function decodeError(bytes: Uint8Array): Error {
  const error = decode(bytes, { binary: 'copy' });
  if (error instanceof Error) return error;
  throw new SluiceError('PROTOCOL', 'a message that cannot be read: it should hold an error');
}

type Field = readonly [name: string, value: unknown];

/** Where an error stands: the errors it is a cause of, and how many more may be written in all. */
interface Place {
  readonly above: readonly Error[];
  readonly budget: { errors: number };
}

/** The record of an error, less what cannot be sent. */
function sendableRecord(error: Error, { above, budget }: Place): ErrorRecord {
  const record = recordOf(error, readFieldIfPossible);
  const place = { above: [...above, error], budget };
  const dropped: string[] = [];
  const keep = (name: string, value: unknown): unknown[] => {
    const kept = sendable(value, place);
    if (kept.length === 0) dropped.push(name);
    return kept;
  };
  const cause = record.cause.flatMap((value) => keep('cause', value));
  const errors = record.errors?.flatMap((value, index) => keep(`errors[${index}]`, value));
  const fields = record.fields.flatMap(([name, value]) => keep(name, value).map((kept): Field => [name, kept]));
  return withNote(new ErrorRecord({ ...record, fields, cause, errors }), dropped);
}

function bareRecord(error: Error): ErrorRecord {
  const record = recordOf(error, readFieldIfPossible);
  const scalars = record.fields.filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  const bare = new ErrorRecord({ ...record, fields: scalars, cause: [], errors: undefined });
  return withNote(bare, ['everything but strings and numbers']);
}

function withNote(record: ErrorRecord, dropped: readonly string[]): ErrorRecord {
  if (dropped.length === 0) return record;
  return new ErrorRecord({ ...record, fields: [...record.fields, ['droppedFields', dropped]] });
}

/** The value as it can be sent, or nothing. */
function sendable(value: unknown, place: Place): unknown[] {
  try {
    if (isError(value)) return sendableCause(value, place);
    encode(value);
    return [value];
  } catch {
    return [];
  }
}

function sendableCause(error: Error, place: Place): ErrorRecord[] {
  const tooMany = place.above.length >= MAX_CAUSES || --place.budget.errors < 0;
  return tooMany || place.above.includes(error) ? [] : [sendableRecord(error, place)];
}

/** A symbol cannot be sent, and so stands for what cannot be read either. */
const UNREADABLE = Symbol('unreadable');

function readFieldIfPossible(error: Error, name: string): unknown {
  try {
    return readField(error, name);
  } catch {
    return UNREADABLE;
  }
}

function asError(thrown: unknown, app: string): Error {
  return isError(thrown) ? thrown : nonErrorThrown(thrown, app);
}

function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function nonErrorThrown(thrown: unknown, app: string): SluiceError {
  const message = `app '${app}' threw ${describe(thrown)}, which is not an Error: throw new Error(…) instead`;
  return withoutStack(new SluiceError('NON_ERROR_THROWN', message, { cause: thrown }));
}

/** The stack would point here, not at the user's code. */
function withoutStack(error: SluiceError): SluiceError {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return JSON.stringify(thrown.length > 60 ? `${thrown.slice(0, 57)}...` : thrown);
  if (typeof thrown === 'function') return 'a function';
  if (typeof thrown === 'object' && thrown !== null) return 'an object';
  return String(thrown);
}
