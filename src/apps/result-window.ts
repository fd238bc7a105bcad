import type { AppFuture } from '../kernel/app-future.js';
import { Fifo } from './fifo.js';

/** Futures in flight, and done ones that nobody has taken yet. */
export interface ResultWindow<R> {
  readonly size: number;
  add(future: AppFuture<R>): void;
  /** One of those added is done. */
  settled(future: AppFuture<R>): void;
  /** Takes out the next one to hand on; `undefined` while that is not done. */
  take(): AppFuture<R> | undefined;
  /** Empties the window, and gives what was in it. */
  drain(): readonly AppFuture<R>[];
}

/** Hands on in the order of the calls. */
export function orderedWindow<R>(): ResultWindow<R> {
  const futures = new Fifo<AppFuture<R>>();
  return {
    get size() {
      return futures.size;
    },
    add: (future) => futures.push(future),
    settled: () => {},
    take: () => (futures.first?.settlement === undefined ? undefined : futures.shift()),
    drain: () => {
      const all = futures.items();
      futures.clear();
      return all;
    },
  };
}

/** Hands on as they are done. */
export function unorderedWindow<R>(): ResultWindow<R> {
  const inFlight = new Set<AppFuture<R>>();
  const done = new Fifo<AppFuture<R>>();
  return {
    get size() {
      return inFlight.size + done.size;
    },
    add: (future) => inFlight.add(future),
    settled: (future) => {
      if (inFlight.delete(future)) done.push(future);
    },
    take: () => done.shift(),
    drain: () => {
      const all = [...inFlight, ...done.items()];
      inFlight.clear();
      done.clear();
      return all;
    },
  };
}
