import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { crc32 } from '../checksums/crc32.js';
import { localFailure } from './write-whole.js';

/** SHA-256 of a local file's content, in hexadecimal, read as a stream. */
export async function contentHash(path: string, signal: AbortSignal): Promise<string> {
  return (await fileDigest(path, 'sha256', signal)).toString('hex');
}

/** Digest of a local file's content, read as a stream, by an algorithm of `node:crypto`. */
export async function fileDigest(path: string, algorithm: string, signal: AbortSignal): Promise<Buffer> {
  const hash = createHash(algorithm);
  await readThrough(path, signal, (chunk) => hash.update(chunk));
  return hash.digest();
}

/** CRC-32 of a local file's content, read as a stream. */
export async function contentCrc32(path: string, signal: AbortSignal): Promise<number> {
  let sum = 0;
  await readThrough(path, signal, (chunk) => {
    sum = crc32(chunk, sum);
  });
  return sum;
}

async function readThrough(path: string, signal: AbortSignal, take: (chunk: Buffer) => void): Promise<void> {
  signal.throwIfAborted();
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal })) take(chunk as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw localFailure(`read ${path}`, error);
  }
}

const READ_BYTES = 1024 * 1024;
