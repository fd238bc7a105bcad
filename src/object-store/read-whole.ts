import { SluiceError } from '../errors.js';
import type { GetOptions, ObjectStore } from './object-store.js';
import { type RetryPolicy, retrying } from './retry-policy.js';

/** All the bytes of a stream that `open` begins; again from the start where they came out wrong. */
export function readWhole(
  open: (options: GetOptions) => ReturnType<ObjectStore['getStream']>,
  options: GetOptions,
  { name, retry }: { readonly name: string; readonly retry: RetryPolicy },
): Promise<Uint8Array> {
  const read = async (signal: AbortSignal) => {
    const { chunks } = await open({ ...options, signal });
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const [first = new Uint8Array()] = parts;
    return parts.length <= 1 ? first : Buffer.concat(parts);
  };
  return retrying(read, {
    policy: retry,
    // Nothing was given away yet, so bytes that came out wrong can be read again.
    isTransient: (error) => error instanceof SluiceError && error.code === 'TRANSFER_FAILED',
    what: `read ${name}`,
    signal: options.signal,
  });
}
