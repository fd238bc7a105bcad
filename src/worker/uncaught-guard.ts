import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';

/** Tells the errors that a running task leaves uncaught from those of tasks that are over. */
export interface UncaughtGuard {
  /** Runs one task; no two at a time. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

type Listener = (error: unknown, more: unknown) => void;

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * A guard over this thread. What a task that is over left uncaught (a timer that throws, a promise that rejects later)
 * is reported on standard error and ends nothing: the task that runs now has no part in it. Everything else goes to
 * `onOwn`, or to the listeners that were there before, which end the worker.
 *
 * Where an error comes from is told by the asynchronous context it was thrown in. One without a context, such as that of
 * a microtask on Node 20, counts as the running task's.
 */
export function createUncaughtGuard(onOwn?: (error: unknown) => void): UncaughtGuard {
  const tasks = new AsyncLocalStorage<object>();
  let running: object | undefined;
  let isOnGuard = false;
  const takeOver = (): void => {
    isOnGuard = true;
    for (const event of EVENTS) {
      const before = process.listeners(event as 'uncaughtException') as Listener[];
      process.removeAllListeners(event);
      process.on(event as 'uncaughtException', (error, more) => {
        const from = tasks.getStore();
        if (from !== undefined && from !== running) reportLate(error);
        else if (onOwn !== undefined) onOwn(error);
        else if (before.length > 0) for (const listener of before) listener(error, more);
        else endProcess(error);
      });
    }
  };
  return {
    async run(work) {
      // Late enough that the runtime's own listeners are there.
      if (!isOnGuard) takeOver();
      const task = {};
      running = task;
      try {
        return await tasks.run(task, work);
      } finally {
        running = undefined;
      }
    },
  };
}

function reportLate(error: unknown): void {
  process.stderr.write(`sluice: a task that is over left an error uncaught: ${inspect(error)}\n`);
}

function endProcess(error: unknown): void {
  process.stderr.write(`${inspect(error)}\n`);
  process.exit(1);
}
