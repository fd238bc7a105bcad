import { SluiceError } from '../../errors.js';
import { runParallel } from '../../object-store/run-parallel.js';
import type { HttpAnswer } from './exchange.js';
import { type Fetching, fetchSpan, GaveUpError } from './fetch-span.js';
import type { Span, SpanPool } from './span-pool.js';

/**
 * Fetches a file by several connections: the first answer goes on from the front, the others take parts from the back. A
 * server that does not like so many is left to those that it gives.
 */
export async function fetchInParts(
  fetching: Fetching,
  answer: HttpAnswer,
  pool: SpanPool,
  signal: AbortSignal,
): Promise<void> {
  const front = async (stop: AbortSignal) => {
    const span = { start: 0, end: () => pool.frontEnd, extend: () => pool.extendFront() };
    await fetchSpan(fetching, { ...span, answer, givesWay: false, signal: stop });
  };
  const lane = async (stop: AbortSignal) => {
    for (let part = pool.take(); part !== undefined; part = pool.take()) {
      if (!(await fetchPart(fetching, part, pool, stop))) return;
    }
  };
  const lanes = Array.from({ length: fetching.requests.options.parallelParts - 1 }, () => lane);
  await runParallel([front, ...lanes], { limit: lanes.length + 1, signal }, (bring, stop) => bring(stop));
  // What the others could not get after the one at the front had ended.
  for (let part = pool.take(); part !== undefined; part = pool.take()) {
    const { start, end } = part;
    await fetchSpan(fetching, { start, end: () => end, extend: () => false, givesWay: false, signal });
  }
}

/** Whether the part came; otherwise what is missing of it went back to the pool. */
async function fetchPart(
  fetching: Fetching,
  { start, end }: Span,
  pool: SpanPool,
  signal: AbortSignal,
): Promise<boolean> {
  let position = start;
  const onEnd = (reached: number) => {
    position = reached;
  };
  try {
    await fetchSpan(fetching, { start, end: () => end, extend: () => false, givesWay: true, onEnd, signal });
    return true;
  } catch (error) {
    const mayWorkElsewhere =
      error instanceof GaveUpError ||
      (error instanceof SluiceError && (error.code === 'SERVICE_FAILED' || error.code === 'THROTTLED'));
    if (!mayWorkElsewhere) throw error;
    pool.giveBack({ start: position, end });
    return false;
  }
}
