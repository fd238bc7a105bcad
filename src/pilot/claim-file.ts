import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a worker notes which of its tasks begins, so that it is known however the worker ends. It has no name. */
export interface ClaimFile {
  readonly fd: number;
  /** The last number noted; 0 for none. */
  read(): number;
  close(): void;
}

// Memory, where there is such a folder (shm_overview(7)); any other does.
const FOLDERS = ['/dev/shm', tmpdir()];

/** @throws what the last folder tried says */
export function openClaimFile(): ClaimFile {
  const fd = openNameless();
  const word = Buffer.alloc(4);
  return {
    fd,
    read: () => (readSync(fd, word, 0, 4, 0) === 4 ? word.readUInt32LE() : 0),
    close: () => closeSync(fd),
  };
}

function openNameless(): number {
  let failure: unknown;
  for (const folder of FOLDERS) {
    const path = join(folder, `sluice-claim-${randomUUID()}`);
    try {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      unlinkSync(path);
      return fd;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
