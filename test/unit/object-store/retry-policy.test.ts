import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { backOffMs, DEFAULT_RETRY_POLICY, type Gate, retrying } from '../../../src/object-store/retry-policy.js';

const policy = { attempts: 3, baseDelayMs: 1, maxDelayMs: 1, deadlineMs: 1_000 };
const what = 'test';

describe('retrying', () => {
  test('the first success counts', async () => {
    let count = 0;
    const attempt = async () => {
      count += 1;
      if (count < 3) throw new Error('not yet');
      return count;
    };
    await expect(retrying(attempt, { policy, isTransient: () => true, what })).resolves.toBe(3);
  });

  test('the last error is what remains when attempts are spent', async () => {
    let count = 0;
    const attempt = () => Promise.reject(new Error(`failure ${++count}`));
    await expect(retrying(attempt, { policy, isTransient: () => true, what })).rejects.toThrow('failure 3');
  });

  test('an error that is not transient is not tried again', async () => {
    let count = 0;
    const attempt = () => Promise.reject(new Error(`failure ${++count}`));
    await expect(retrying(attempt, { policy, isTransient: () => false, what })).rejects.toThrow('failure 1');
  });

  test('an abort ends the wait between attempts', async () => {
    const stop = new AbortController();
    const slow = { ...policy, baseDelayMs: 1e9, maxDelayMs: 1e9, deadlineMs: 60_000 };
    const attempt = async () => {
      setImmediate(() => stop.abort(new Error('enough')));
      throw new Error('failure');
    };
    const running = retrying(attempt, { policy: slow, isTransient: () => true, what, signal: stop.signal });
    await expect(running).rejects.toThrow('enough');
  });

  test('the deadline aborts a running attempt and is SERVICE_FAILED', async () => {
    const attempt = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))));
    const running = retrying(attempt, { policy: { ...policy, deadlineMs: 20 }, isTransient: () => true, what });
    await expect(running).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/test.*20 ms/),
    });
  });
});

describe('retrying behind a gate', () => {
  /** Writes down who came and how it went; the first to come waits until `open` resolves. */
  const loggingGate = (open: Promise<unknown> = Promise.resolve()) => {
    const log: string[] = [];
    const place = {
      succeeded: (result: unknown) => void log.push(`succeeded ${result}`),
      failed: (error: unknown) => void log.push(`failed ${(error as Error).message}`),
    };
    const gate: Gate = {
      enter: (_, turn) => {
        log.push(turn);
        return turn === 'first' ? open.then(() => place) : place;
      },
    };
    return { gate, log };
  };

  test('each attempt has a place, and its end is told', async () => {
    const { gate, log } = loggingGate();
    let count = 0;
    const attempt = async () => {
      count += 1;
      if (count < 3) throw new Error(`failure ${count}`);
      return count;
    };
    await retrying(attempt, { policy, isTransient: () => true, what, gate });
    expect(log).toEqual(['first', 'failed failure 1', 'again', 'failed failure 2', 'again', 'succeeded 3']);
  });

  test('waiting for the first place counts for no deadline', async () => {
    const { gate } = loggingGate(sleep(60));
    const attempt = async () => 'done';
    await expect(
      retrying(attempt, { policy: { ...policy, deadlineMs: 30 }, isTransient: () => true, what, gate }),
    ).resolves.toBe('done');
  });

  test('who is aborted between place and attempt gives the place back', async () => {
    const stop = new AbortController();
    const { gate, log } = loggingGate(Promise.resolve().then(() => stop.abort(new Error('enough'))));
    const attempt = () => Promise.reject(new Error('never'));
    await expect(
      retrying(attempt, { policy, isTransient: () => true, what, gate, signal: stop.signal }),
    ).rejects.toThrow('enough');
    expect(log).toEqual(['first', 'failed enough']);
  });
});

describe('a service that asks to be left alone', () => {
  const failTwice = (times: number[]) => async () => {
    times.push(performance.now());
    if (times.length < 2) throw new Error('busy');
  };

  test('is left alone for as long, and not only for the back-off', async () => {
    const times: number[] = [];
    await retrying(failTwice(times), { policy, isTransient: () => true, what, askedWaitMs: () => 80 });
    // Timers count in whole milliseconds.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(78);
  });

  test('for longer than there is time is not waited for', async () => {
    const times: number[] = [];
    const running = retrying(failTwice(times), { policy, isTransient: () => true, what, askedWaitMs: () => 60_000 });
    await expect(running).rejects.toThrow('busy');
    expect(times).toHaveLength(1);
  });
});

test('waits double up to their ceiling, and jitter takes any share of them', () => {
  const ceilings = [1, 2, 3, 10].map((failures) => backOffMs(DEFAULT_RETRY_POLICY, failures, () => 1));
  expect(ceilings).toEqual([100, 200, 400, 5_000]);
  expect(backOffMs(DEFAULT_RETRY_POLICY, 3, () => 0.25)).toBe(100);
});
