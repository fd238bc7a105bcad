import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { localFailure } from '../data/write-whole.js';

/** The files that the streams of one attempt go to, open for appending. */
export interface StreamFiles {
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  /** The last bytes written to standard error since it was opened: standard output's too, where both share a file. */
  stderrTail(bytes: number): string;
  close(): void;
}

/** Opens what the call asks for; streams of one path share a file, so that neither writes over the other. */
export function openStreamFiles(paths: {
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
}): StreamFiles {
  const stdout = paths.stdout === undefined ? undefined : openForAppending(paths.stdout);
  const shared = paths.stderr === paths.stdout;
  const stderr = paths.stderr === undefined || shared ? stdout : openForAppending(paths.stderr);
  const startByte = stderr === undefined ? 0 : fstatSync(stderr).size;
  return {
    stdout,
    stderr: paths.stderr === undefined ? undefined : stderr,
    stderrTail(bytes) {
      if (paths.stderr === undefined) return '';
      return readTail(paths.stderr, { startByte, bytes });
    },
    close() {
      for (const fd of new Set([stdout, stderr])) if (fd !== undefined) closeSync(fd);
    },
  };
}

function openForAppending(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw localFailure(`write ${path}`, error);
  }
}

function readTail(path: string, { startByte, bytes }: { startByte: number; bytes: number }): string {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(startByte, size - bytes);
    const tail = Buffer.alloc(Math.max(0, size - from));
    const read = readSync(fd, tail, 0, tail.length, from);
    return tail.toString('utf8', 0, read);
  } finally {
    closeSync(fd);
  }
}
