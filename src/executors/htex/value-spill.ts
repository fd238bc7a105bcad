import { mkdirSync } from 'node:fs';
import { rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localFailure } from '../../data/write-whole.js';

/** Beside the parts of managers, that of values which the client gives to several tasks. */
export const CLIENT_PART = 'client';

/** Where large values lie, so that they do not pass through interchange and managers. */
export interface ValueSpill {
  /** `file:` or bucket URL below which workers put large results. */
  readonly url: string;
  /** Writes bytes and resolves with their URL. @param name path of its own, such as `calls/7` */
  put(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<string>;
  /** Best effort: what is there at the close goes then. */
  remove(url: string): void;
  /** Stops what is under way; of a folder, removes it. */
  close(): Promise<void>;
}

/** A {@link ValueSpill} in a folder of the run, for workers that share this machine's disk. */
export function createFolderSpill(folder: string): ValueSpill {
  return {
    url: pathToFileURL(join(folder, 'values')).href,
    async put(name, bytes, signal) {
      const path = join(folder, name);
      try {
        mkdirSync(dirname(path), { recursive: true });
        await writeFile(path, bytes, { mode: 0o600, signal });
      } catch (error) {
        signal.throwIfAborted();
        throw localFailure(`write the value ${path}`, error);
      }
      return pathToFileURL(path).href;
    },
    remove: (url) => void unlink(new URL(url)).catch(() => {}),
    close: () => rm(folder, { recursive: true, force: true, maxRetries: 2 }),
  };
}
