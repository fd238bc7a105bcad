import { callOf } from '../src/conformance/executor/calls.js';
import { encode } from '../src/wire/codec.js';

/** The payload a LambdaExecutor sends for a task that does nothing. */
export function taskPayload(): Uint8Array {
  const task = Buffer.from(encode(callOf(() => 0, [])).bytes).toString('base64');
  return Buffer.from(JSON.stringify({ kind: 'run', task }));
}
