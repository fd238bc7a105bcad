import { callOf } from '../src/conformance/executor/calls.js';
import { encode } from '../src/wire/codec.js';

/** The payload a LambdaExecutor sends for a call of an app. */
export function taskPayload(fn: Parameters<typeof callOf>[0], args: Parameters<typeof callOf>[1]): Uint8Array {
  const task = Buffer.from(encode(callOf(fn, args)).bytes).toString('base64');
  return Buffer.from(JSON.stringify({ kind: 'run', task }));
}
