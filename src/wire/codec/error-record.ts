import { types } from 'node:util';
import { BashExitError, DependencyError, InputLostError, JoinError, SluiceError } from '../../errors.js';

/** Errors that keep their prototype between client and worker, by name. */
const KINDS: ReadonlyMap<string, Error> = new Map(
  [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError,
    SluiceError,
    BashExitError,
    DependencyError,
    JoinError,
    InputLostError,
  ].map(({ name, prototype }) => [name, prototype]),
);

const NAMES: ReadonlyMap<object, string> = new Map([...KINDS].map(([name, prototype]) => [prototype, name]));

/** Properties that stand in a record of their own, or belong to the side that holds the error. */
const OWN_PLACE: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'remote']);

/** What travels of an error. */
export class ErrorRecord {
  /** Count of values a record is written as. */
  static readonly LENGTH = 8;
  /** The nearest class of the error that every side knows. */
  readonly kind: string;
  /** Whether that is the error's very class. */
  readonly exact: boolean;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Own enumerable fields. */
  readonly fields: readonly (readonly [name: string, value: unknown])[];
  /** One value, or none: an error may have the cause `undefined`. */
  readonly cause: readonly unknown[];
  /** Of an AggregateError. */
  readonly errors: readonly unknown[] | undefined;

  constructor(record: Omit<ErrorRecord, never>) {
    this.kind = record.kind;
    this.exact = record.exact;
    this.name = record.name;
    this.message = record.message;
    this.stack = record.stack;
    this.fields = record.fields;
    this.cause = record.cause;
    this.errors = record.errors;
  }
}

/** Reads one field of an error. */
type FieldReader = (error: Error, name: string) => unknown;

/** The record of an error, its values as they are. Getters of the error run, and may throw. */
export function recordOf(error: Error, read: FieldReader = readField): ErrorRecord {
  const { kind, exact } = kindOf(error);
  const name = textOf(error.name);
  const message = textOf(error.message);
  const errors: unknown = kind === 'AggregateError' ? (error as AggregateError).errors : undefined;
  const names = Object.keys(error).filter((key) => !OWN_PLACE.has(key) && (key !== 'errors' || !Array.isArray(errors)));
  return new ErrorRecord({
    kind,
    exact,
    name,
    message,
    stack: typeof error.stack === 'string' ? error.stack : `${name}: ${message}`,
    fields: names.map((key) => [key, read(error, key)]),
    cause: Object.hasOwn(error, 'cause') ? [error.cause] : [],
    errors: Array.isArray(errors) ? errors : undefined,
  });
}

/**
 * The error of a record, with the remote stack as its `stack`. One whose class is not known here is an instance of the
 * nearest class that is, with the remote stack as `remote.stack`, too.
 */
export function errorOf(record: ErrorRecord): Error {
  const error = new Error(record.message);
  Object.setPrototypeOf(error, KINDS.get(record.kind) ?? Error.prototype);
  define(error, 'stack', record.stack);
  for (const [name, value] of record.fields) {
    Object.defineProperty(error, name, { value, writable: true, enumerable: true, configurable: true });
  }
  if (error.name !== record.name) define(error, 'name', record.name);
  if (record.cause.length > 0) define(error, 'cause', record.cause[0]);
  if (record.errors !== undefined) define(error, 'errors', record.errors);
  if (!record.exact) define(error, 'remote', { stack: record.stack });
  return error;
}

/** The field as it is. */
export function readField(error: Error, name: string): unknown {
  return (error as unknown as Record<string, unknown>)[name];
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true });
}

function kindOf(error: Error): { kind: string; exact: boolean } {
  let exact = true;
  for (let link: object | null = Object.getPrototypeOf(error); link !== null; link = Object.getPrototypeOf(link)) {
    const kind = NAMES.get(link) ?? foreignKind(error, link);
    if (kind !== undefined) return { kind, exact };
    exact = false;
  }
  return { kind: 'Error', exact: false };
}

/** A built-in class of another realm (a `vm` context) has the same name, but is another object. */
function foreignKind(error: Error, prototype: object): string | undefined {
  if (error instanceof Error || !types.isNativeError(error) || !Object.hasOwn(prototype, 'constructor'))
    return undefined;
  const { name } = prototype.constructor;
  return KINDS.has(name) ? name : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}
