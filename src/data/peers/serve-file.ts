import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { crc32 } from '../../checksums/crc32.js';
import { hexOf } from './peer-url.js';

/** A file that is open, as it is given to others. */
export interface ServedFile {
  readonly handle: FileHandle;
  readonly size: number;
  /** Of the whole, from when it was known to be right; absent where nobody took it then. */
  readonly crc32?: number | undefined;
  /** Whether it is still what it was when it was opened. */
  isUnchanged(): Promise<boolean>;
}

/** Headers, and the trailer, of an answer. */
export const SIZE = 'sluice-size';
export const WHOLE_CRC32 = 'sluice-crc32';
export const SENT_CRC32 = 'sluice-sent-crc32';

const READ_BYTES = 256 * 1024;

/**
 * Answers with a file from byte `start` on, and with the CRC-32 of what was sent in the trailer. An answer about a file
 * that is changed meanwhile breaks off. Rejects when the answer did not get through.
 */
export async function serveFile(file: ServedFile, start: number, response: ServerResponse): Promise<void> {
  response.writeHead(start === 0 ? 200 : 206, {
    'content-type': 'application/octet-stream',
    [SIZE]: file.size,
    ...(file.crc32 !== undefined && { [WHOLE_CRC32]: hexOf(file.crc32) }),
    trailer: SENT_CRC32,
  });
  const chunks = async function* (): AsyncGenerator<Buffer> {
    let sum = 0;
    const bytes = file.handle.createReadStream({ start, autoClose: false, highWaterMark: READ_BYTES });
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
    if (!(await file.isUnchanged())) throw new Error('the file was changed while it was sent');
    response.addTrailers({ [SENT_CRC32]: hexOf(sum) });
  };
  await pipeline(chunks, response);
}
