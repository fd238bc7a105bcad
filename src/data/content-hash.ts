import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { localFailure } from './write-whole.js';

/** SHA-256 of a local file's content, in hexadecimal, read as a stream. */
export async function contentHash(path: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal }))
      hash.update(chunk as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw localFailure(`read ${path}`, error);
  }
  return hash.digest('hex');
}

const READ_BYTES = 1024 * 1024;
