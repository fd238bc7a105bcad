import { SluiceError } from '../errors.js';
import type { TaskRequest } from './task-request.js';

/** What `get` takes of a value: keys of a Map, indices of an array, properties of an object. */
export type KeyOf<R> =
  R extends ReadonlyMap<infer K, unknown>
    ? K
    : R extends readonly unknown[]
      ? number
      : R extends object
        ? Extract<keyof R, string | number>
        : never;

/** What a value has at a key. */
export type ValueAt<R, K> =
  R extends ReadonlyMap<unknown, infer V> ? V : K extends keyof R ? R[K] : R extends readonly (infer E)[] ? E : never;

/** The task behind `future.get(key)`: it runs in the client, and is never repeated. */
export function liftedAccess(appName: string, key: unknown): TaskRequest {
  const name = `${appName}.get`;
  return {
    appName: name,
    executors: undefined,
    work: { kind: 'join', body: ({ args: [value] }) => valueAt(value, key, appName) },
    outputs: [],
    retries: 0,
  };
}

function valueAt(value: unknown, key: unknown, appName: string): unknown {
  if (value instanceof Map) {
    if (value.has(key)) return value.get(key);
  } else if (Array.isArray(value)) {
    if (Number.isInteger(key) && (key as number) >= 0 && (key as number) < value.length) return value[key as number];
  } else if (typeof value === 'object' && value !== null && hasProperty(value, key)) {
    return (value as Record<PropertyKey, unknown>)[key as PropertyKey];
  }
  throw new SluiceError('NO_SUCH_KEY', `the result of app '${appName}' has no ${show(key)}: it is ${describe(value)}`);
}

// Of an Error or a DataFile also what its class gives it, such as `name` or `url`; methods do not travel.
function hasProperty(value: object, key: unknown): boolean {
  if (typeof key !== 'string' && typeof key !== 'number') return false;
  if (Object.hasOwn(value, key)) return true;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || !(key in value)) return false;
  return typeof (value as Record<PropertyKey, unknown>)[key] !== 'function';
}

const SHOWN_KEYS = 10;

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (value instanceof Map) return `a Map with the keys ${list([...value.keys()])}`;
  if (typeof value !== 'object' || value === null)
    return value === undefined || value === null ? `${value}` : `a ${typeof value}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an object without keys' : `an object with the keys ${list(keys)}`;
}

function list(keys: readonly unknown[]): string {
  const more = keys.length > SHOWN_KEYS ? ` and ${keys.length - SHOWN_KEYS} more` : '';
  return `${keys.slice(0, SHOWN_KEYS).map(show).join(', ')}${more}`;
}

function show(key: unknown): string {
  return typeof key === 'string' ? `'${key}'` : String(key);
}
