import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eachInParallel, runParallel } from '../../../src/object-store/run-parallel.js';

describe('runParallel', () => {
  test('results stand in the order of the items, and no more run at a time than the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await runParallel([5, 1, 4, 2, 3], { limit: 2 }, async (turns) => {
      running += 1;
      most = Math.max(most, running);
      for (let count = 0; count < turns; count += 1) await turn();
      running -= 1;
      return turns * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  test('the first failure wins, stops the others, and waits for them', async () => {
    const ended: string[] = [];
    const run = runParallel(['fails', 'waits', 'never starts'], { limit: 2 }, async (item, signal) => {
      if (item === 'fails') throw new Error('first');
      while (!signal.aborted) await turn();
      ended.push(item);
      throw new Error('second');
    });
    await expect(run).rejects.toThrow('first');
    expect(ended).toEqual(['waits']);
  });

  test('an abort of the caller is the reason', async () => {
    const stop = new AbortController();
    const run = runParallel([1, 2], { limit: 1, signal: stop.signal }, async () => stop.abort(new Error('enough')));
    await expect(run).rejects.toThrow('enough');
  });

  test('no items need no time', async () => {
    await expect(runParallel([], { limit: 3 }, async () => 1)).resolves.toEqual([]);
  });
});

describe('eachInParallel', () => {
  /** Items that are found one a turn, and what was asked of them. */
  async function* found(count: number, asked: string[]): AsyncGenerator<number, void, undefined> {
    try {
      for (let item = 1; item <= count; item++) {
        await turn();
        asked.push(`found ${item}`);
        yield item;
      }
    } finally {
      asked.push('ended');
    }
  }

  test('an item runs while the next ones are being found, and each runs once', async () => {
    const log: string[] = [];
    await eachInParallel(found(5, log), { limit: 2 }, async (item) => {
      log.push(`runs ${item}`);
      await turn();
    });
    expect(log.filter((line) => line.startsWith('runs'))).toEqual([1, 2, 3, 4, 5].map((item) => `runs ${item}`));
    expect(log.indexOf('runs 1')).toBeLessThan(log.indexOf('found 3'));
    expect(log.filter((line) => line === 'ended')).toHaveLength(1);
  });

  test('a failed task ends the search', async () => {
    const log: string[] = [];
    const run = eachInParallel(found(1_000, log), { limit: 3 }, async (item) => {
      if (item === 4) throw new Error('fourth');
    });
    await expect(run).rejects.toThrow('fourth');
    expect(log.at(-1)).toBe('ended');
    expect(log.length).toBeLessThan(20);
  });

  test('a failed search stops the tasks, waits for them, and is the reason', async () => {
    async function* failing(): AsyncGenerator<number, void, undefined> {
      yield 1;
      throw new Error('no more');
    }
    let isStopped = false;
    const run = eachInParallel(failing(), { limit: 3 }, async (_, signal) => {
      while (!signal.aborted) await turn();
      isStopped = true;
    });
    await expect(run).rejects.toThrow('no more');
    expect(isStopped).toBe(true);
  });
});
