/** A reason for which a value cannot be sent, without the place it stands at. The {@link Encoder} adds that. */
export class Refusal extends Error {}

/** What is wrong with a value that no message can carry, and what to do. `direction`: `sent to a worker`. */
export function refuse(value: unknown, direction: string): Refusal {
  if (typeof value === 'function') {
    const what = /^class\b/.test(Function.prototype.toString.call(value)) ? 'a class' : 'a function';
    return new Refusal(`${what} cannot be ${direction}: define it inside the app, or import it there`);
  }
  if (typeof value === 'symbol') {
    return new Refusal(`${String(value)} cannot be ${direction}: a symbol is known to one process only; send a string`);
  }
  return new Refusal(refuseObject(value as object, direction));
}

function refuseObject(value: object, direction: string): string {
  const name = classNameOf(value);
  if (typeof (value as { then?: unknown }).then === 'function') {
    const what = name === 'Object' ? 'an object with a `then` method' : `${articleOf(name)} ${name}`;
    return `${what} cannot be ${direction}: await it first`;
  }
  const advice = ADVICE.get(name);
  if (advice !== undefined) return `a ${name} cannot be ${direction}: ${advice}`;
  return `${articleOf(name)} ${name} instance cannot be ${direction}: ${CLASS_ADVICE}`;
}

const CLASS_ADVICE = 'create it inside the app, or send the plain data it is made from';
const UNWRAP = 'send its value, `x.valueOf()`';
const WEAK = 'its entries cannot be listed; send a Map or a Set';
const STREAM = 'read it to the end first, or send a file';

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['WeakMap', WEAK],
  ['WeakSet', WEAK],
  ['WeakRef', 'send what it refers to'],
  ['SharedArrayBuffer', 'its memory cannot be shared between machines; send a copy, `new Uint8Array(buffer).slice()`'],
  ['String', UNWRAP],
  ['Number', UNWRAP],
  ['Boolean', UNWRAP],
  ['BigInt', UNWRAP],
  ['Symbol', UNWRAP],
  ['Readable', STREAM],
  ['ReadStream', STREAM],
  ['ReadableStream', STREAM],
  ['URLSearchParams', 'send its text, `String(x)`'],
]);

function classNameOf(value: object): string {
  const maker: unknown = value.constructor;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'unnamed class';
}

/** By sound: an S3Client, a URLSearchParams, an Agent. */
function articleOf(name: string): 'a' | 'an' {
  return /^(?:[AEFHILMNORSX](?=[A-Z0-9])|[AEIOaeiou])/.test(name) ? 'an' : 'a';
}
