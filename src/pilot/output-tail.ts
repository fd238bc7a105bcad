import type { WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';

const KEPT_BYTES = 4 * 1024;
// What V8 says before it aborts is followed by a stack of its own, some kilobytes long.
const SEARCHED_BYTES = 32 * 1024;

/** The end of what a process writes to a stream. */
export interface OutputTail {
  /** The last lines, 4 KiB at most. */
  text(): string;
  /** Whether the last 32 KiB have a text. */
  includes(text: string): boolean;
}

/** Follows a stream, and copies it to `log` where there is one. */
export function followOutput(stream: Readable, log: WriteStream | undefined): OutputTail {
  let chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    log?.write(chunk);
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < 2 * SEARCHED_BYTES) return;
    chunks = [Buffer.concat(chunks).subarray(-SEARCHED_BYTES)];
    bytes = SEARCHED_BYTES;
  });
  return {
    text: () => Buffer.concat(chunks).subarray(-KEPT_BYTES).toString().trimEnd(),
    includes: (text) => Buffer.concat(chunks).subarray(-SEARCHED_BYTES).includes(text),
  };
}
