import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { runParallel } from '../../../src/object-store/run-parallel.js';

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
