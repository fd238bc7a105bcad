import type { FileHandle } from 'node:fs/promises';

/** Fills `target` with a file's bytes from `at` on. Rejects when there are not as many. */
export async function readFully(file: FileHandle, target: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await file.read(target, done, target.length - done, at + done);
    if (bytesRead === 0) throw new Error(`the file of an object ends before byte ${at + target.length}`);
    done += bytesRead;
  }
}
