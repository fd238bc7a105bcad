import { SluiceError } from '../errors.js';
import type { ByteRange } from './object-store.js';
import { lengthOf } from './part-plan.js';

/** The bytes of one part of an upload. @throws {SluiceError} `TRANSFER_FAILED` when the source gives fewer, or more. */
export async function readPart(
  name: string,
  range: ByteRange,
  read: (range: ByteRange) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = await read(range);
  if (bytes.length === lengthOf(range)) return bytes;
  const text = `got ${bytes.length} of the ${lengthOf(range)} bytes from ${range.start} on: the source changed`;
  throw new SluiceError('TRANSFER_FAILED', `write ${name}: ${text}`);
}
