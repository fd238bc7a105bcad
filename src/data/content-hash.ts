import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { localFailure } from './write-whole.js';

/** SHA-256 of a local file's content, in hexadecimal, read as a stream. */
export async function contentHash(path: string, signal: AbortSignal): Promise<string> {
  return (await fileDigest(path, 'sha256', signal)).toString('hex');
}

/** Digest of a local file's content, read as a stream, by an algorithm of `node:crypto`. */
export async function fileDigest(path: string, algorithm: string, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  const hash = createHash(algorithm);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal }))
      hash.update(chunk as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw localFailure(`read ${path}`, error);
  }
  return hash.digest();
}

const READ_BYTES = 1024 * 1024;
