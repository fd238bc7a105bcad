import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Monitor, RunEvent } from '../monitoring/event.js';

const FLUSH_CHARACTERS = 64 * 1024;
const FLUSH_AFTER_MS = 200;

/** Writes every event of a run as a line of JSON to `events.ndjson`, in batches; at most 0.2 s behind. */
export function createEventLog(runDir: string): Monitor {
  const stream = createWriteStream(join(runDir, 'events.ndjson'), { flags: 'a' });
  let failure: Error | undefined;
  stream.on('error', (error) => {
    if (failure === undefined) process.emitWarning(`events of this run are not being written: ${error.message}`);
    failure = error;
  });
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending !== '' && failure === undefined) stream.write(pending);
    pending = '';
  };
  return {
    record(event: RunEvent) {
      // What a worker that was given up still says comes after the end.
      if (isClosed) return;
      pending += `${JSON.stringify(event)}\n`;
      if (pending.length >= FLUSH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      flush();
      if (failure === undefined) await new Promise<void>((resolve) => stream.end(resolve));
    },
  };
}
