import { type FSWatcher, watch } from 'node:fs';

/** Sees that something in a folder changes. */
export interface FolderWatch {
  /**
   * Resolves when something has changed since the last call, or after `atMostMs`: where a file system does not tell, and
   * for what no file system tells, such as the death of a process. Rejects with `signal.reason` once aborted.
   */
  next(atMostMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** A watch that sees what changes from now on. */
export function watchFolder(path: string): FolderWatch {
  let hasChanged = false;
  let onChange = (): void => {};
  const noteChange = (): void => {
    hasChanged = true;
    onChange();
  };
  const watcher = tryWatch(path, noteChange);
  return {
    async next(atMostMs, signal) {
      signal.throwIfAborted();
      let timer: NodeJS.Timeout | undefined;
      let onAbort = (): void => {};
      await new Promise<void>((resolve, reject) => {
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        timer = setTimeout(resolve, atMostMs);
        onChange = resolve;
        if (hasChanged) resolve();
      }).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        onChange = () => {};
      });
      hasChanged = false;
    },
    close: () => watcher?.close(),
  };
}

// The system's watches may be used up, and the folder may be gone: then only the time is left.
function tryWatch(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, { persistent: false }, onChange).on('error', onChange);
  } catch {
    return undefined;
  }
}
