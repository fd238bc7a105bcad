import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import type { Monitor, RunEvent } from '../monitoring/event.js';
import { EventWriter } from './event-writer.js';

const FLUSH_AFTER_MS = 200;
/** Events that wait for the end of a turn, at most. */
const MOST_WAITING = 256;

/**
 * Writes every event of a run to `events.ndjson`, in {@link EventLine}s, at most 0.2 s behind; or until the next event, in
 * a client that does not yield. Written synchronously: to the page cache that takes microseconds, and a client that
 * submits a million tasks in one go never holds more than one batch.
 *
 * Events are made into text once the turn that they came in is over: tasks are on their way by then, and nobody waits.
 */
export function createEventLog(runDir: string): Monitor {
  let fd: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  let dueMs = 0;
  const waiting: RunEvent[] = [];
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
  const write = (): void => {
    for (const event of waiting) writer.write(event);
    waiting.length = 0;
  };
  const endTurn = (): void => {
    turn = undefined;
    write();
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    write();
    writer.flush();
  };
  guarded(() => {
    fd = openSync(join(runDir, 'events.ndjson'), 'a');
  });
  return {
    record(event) {
      // What a worker that was given up still says comes after the end.
      if (fd === undefined) return;
      waiting.push(event);
      turn ??= setImmediate(endTurn);
      if (waiting.length === MOST_WAITING) write();
      if (timer === undefined) {
        timer = setTimeout(flush, FLUSH_AFTER_MS);
        dueMs = event.atMs + FLUSH_AFTER_MS;
      } else if (event.atMs >= dueMs) flush();
    },
    async close() {
      clearImmediate(turn);
      flush();
      end();
    },
  };
}
