import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ByteRange, HeldData } from './store/data-files.js';

/** Writes `length` bytes of content, its whole or a range, as the body of an answer, and ends it. */
export async function sendContent(
  response: ServerResponse,
  held: HeldData,
  { range, length }: { readonly range: ByteRange | undefined; readonly length: number },
): Promise<void> {
  if (length > BUFFER_BYTES) return pipeline(held.read(range), response);
  const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const body = buffer.subarray(0, length);
  await held.readInto(body, range);
  // What was cut off may still be on its way: its buffer is not used again.
  response.once('finish', () => {
    if (idle.length < MOST_IDLE) idle.push(buffer);
  });
  response.end(body);
}

/** Short content is sent in one go, without a stream. */
const BUFFER_BYTES = 256 * 1024;
const MOST_IDLE = 64;

/** Used again: garbage of this size has the collector go through the whole heap, over and over. */
const idle: Buffer[] = [];
