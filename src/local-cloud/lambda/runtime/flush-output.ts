import type { Writable } from 'node:stream';

/** Resolves when everything written to stdout and stderr so far is in their pipes: a full pipe makes them queue. */
export async function flushOutput(): Promise<void> {
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
}

function flush(stream: Writable): Promise<void> | undefined {
  if (stream.writableLength === 0) return undefined;
  return new Promise((resolve) => stream.write('', () => resolve()));
}
