import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import type { Monitor } from '../monitoring/event.js';
import { EventWriter } from './event-writer.js';

const FLUSH_AFTER_MS = 200;

/**
 * Writes every event of a run to `events.ndjson`, in {@link EventLine}s, at most 0.2 s behind; or until the next event, in
 * a client that does not yield. Written synchronously: to the page cache that takes microseconds, and a client that
 * submits a million tasks in one go never holds more than one batch.
 */
export function createEventLog(runDir: string): Monitor {
  let fd: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let dueMs = 0;
  const end = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const guarded = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      process.emitWarning(`events of this run are not being written: ${messageOf(error)}`);
      end();
    }
  };
  const writer = new EventWriter((lines) =>
    guarded(() => {
      for (let written = 0; fd !== undefined && written < lines.length; ) written += writeSync(fd, lines, written);
    }),
  );
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    writer.flush();
  };
  guarded(() => {
    fd = openSync(join(runDir, 'events.ndjson'), 'a');
  });
  return {
    record(event) {
      // What a worker that was given up still says comes after the end.
      if (fd === undefined) return;
      writer.write(event);
      if (timer === undefined) {
        timer = setTimeout(flush, FLUSH_AFTER_MS);
        dueMs = event.atMs + FLUSH_AFTER_MS;
      } else if (event.atMs >= dueMs) flush();
    },
    async close() {
      flush();
      end();
    },
  };
}
