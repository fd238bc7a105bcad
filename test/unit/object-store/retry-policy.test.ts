import { describe, expect, test } from 'vitest';
import { backOffMs, DEFAULT_RETRY_POLICY, retrying } from '../../../src/object-store/retry-policy.js';

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

test('waits double up to their ceiling, and jitter takes any share of them', () => {
  const ceilings = [1, 2, 3, 10].map((failures) => backOffMs(DEFAULT_RETRY_POLICY, failures, () => 1));
  expect(ceilings).toEqual([100, 200, 400, 5_000]);
  expect(backOffMs(DEFAULT_RETRY_POLICY, 3, () => 0.25)).toBe(100);
});
