import { open } from 'node:fs/promises';

/** The last `bytes` of a file as text, from the first whole character on; '' when there is no such file. */
export async function readFileTail(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return wholeCharacters(buffer.subarray(0, bytesRead), from > 0);
  } finally {
    await file.close();
  }
}

// Bytes of a character after its first are 10xxxxxx (RFC 3629).
function wholeCharacters(tail: Buffer, isCut: boolean): string {
  let start = 0;
  while (isCut && start < Math.min(3, tail.length) && ((tail[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return tail.toString('utf8', start);
}
