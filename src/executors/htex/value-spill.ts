import { mkdirSync } from 'node:fs';
import { rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localFailure } from '../../data/write-whole.js';

/** Where large arguments lie for workers that share this machine's disk: not on the way through the interchange. */
export interface ValueSpill {
  /** `file:` URL of the folder: workers put large results there too. */
  readonly url: string;
  /** Writes a value and resolves with its URL. */
  put(name: string, bytes: Uint8Array): Promise<string>;
  remove(url: string): void;
  /** Removes the folder. */
  close(): Promise<void>;
}

/** A {@link ValueSpill} in a folder of the run. */
export function createValueSpill(folder: string): ValueSpill {
  mkdirSync(folder, { recursive: true });
  return {
    url: pathToFileURL(folder).href,
    async put(name, bytes) {
      const path = join(folder, name);
      try {
        await writeFile(path, bytes, { mode: 0o600 });
      } catch (error) {
        throw localFailure(`write the value ${path}`, error);
      }
      return pathToFileURL(path).href;
    },
    remove(url) {
      // Best effort: the folder goes at the close.
      unlink(new URL(url)).catch(() => {});
    },
    close: () => rm(folder, { recursive: true, force: true, maxRetries: 2 }),
  };
}
