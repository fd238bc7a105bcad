import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localFailure } from '../../data/write-whole.js';

/** Files by which the managers of blocks learn what they must know, keys too: each for this user alone. */
export interface ConfigFiles {
  /** Writes that of a block, and answers its path. @throws {SluiceError} as writing a file fails */
  write(blockId: string, text: string): string;
  /** Its block has ended. */
  remove(blockId: string): void;
  /** Removes all. */
  close(): void;
}

/** {@link ConfigFiles} in a folder of the run, for managers that share this machine's disk. */
export function createConfigFiles(folder: string): ConfigFiles {
  return {
    write(blockId, text) {
      const path = join(folder, blockId);
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(path, text, { mode: 0o600 });
      } catch (error) {
        throw localFailure(`write ${path}`, error);
      }
      return path;
    },
    remove: (blockId) => rmSync(join(folder, blockId), { force: true }),
    close: () => rmSync(folder, { recursive: true, force: true, maxRetries: 2 }),
  };
}
