import { readFile, writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StageInTarget } from '../../src/data/staging.js';
import { CacheHistory, MAX_BYTES, SIZES, type Step } from '../fixtures/cache/cache-history.js';
import { cachePlace } from '../fixtures/cache/cache-place.js';
import { KilledOwners } from '../fixtures/cache/killed-owners.js';

const owner = fc.nat({ max: 2 });
const key = fc.constantFrom(...Object.keys(SIZES));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('ask' as const), owner, key }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), owner }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('killFetching' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('spoil' as const), key }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'removeFolder' as const }) },
);

test('whatever is asked for, let go, killed and spoilt, the cache holds what a simple model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      await using owners = new KilledOwners();
      const history = new CacheHistory(await cachePlace(), owners);
      for (const happening of steps) {
        await history.happens(happening);
        await history.check();
      }
    }),
    { numRuns: 60 },
  );
});

interface Ask {
  readonly key: string;
  /** Turns of the event loop that the download takes. */
  readonly turns: number;
  readonly fails: boolean;
  /** Turns after which the task gives up. */
  readonly abortsAfter: number | undefined;
}

const ask: fc.Arbitrary<Ask> = fc.record({
  key,
  turns: fc.nat({ max: 8 }),
  fails: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  abortsAfter: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
});

test('tasks that ask at once, fail and give up get right bytes or their own error, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ask, { minLength: 2, maxLength: 12 }), async (asks) => {
      const place = await cachePlace();
      const cache = place.open({ maxBytes: MAX_BYTES });
      await Promise.all(
        asks.map(async ({ key, turns, fails, abortsAfter }, index) => {
          const size = SIZES[key] ?? 0;
          const stop = new AbortController();
          const fetch = async ({ suggestedPath, signal }: StageInTarget) => {
            await writeFile(suggestedPath, Buffer.alloc(size, key));
            for (let turn = 0; turn < turns; turn++) {
              await nextTurn();
              signal.throwIfAborted();
            }
            if (fails) throw new Error(`download ${index} failed`);
            return suggestedPath;
          };
          const inputs = cache.openFor(`task ${index}`);
          const got = place
            .get(inputs, key, size, { fetch, signal: stop.signal })
            .catch((error: Error) => error.message);
          if (abortsAfter !== undefined) {
            for (let turn = 0; turn < abortsAfter; turn++) await nextTurn();
            stop.abort(new Error(`task ${index} gave up`));
          }
          const path = await got;
          if (path === `task ${index} gave up`) expect(abortsAfter).toBeDefined();
          else if (path === `download ${index} failed`) expect(fails).toBe(true);
          else expect((await readFile(path)).equals(Buffer.alloc(size, key))).toBe(true);
          await inputs.release();
        }),
      );
      await cache.close();
      expect(await place.leftovers()).toEqual([]);
      expect((await cache.inspect()).bytes).toBeLessThanOrEqual(MAX_BYTES);
      expect(await place.contents()).toHaveLength((await cache.inspect()).names.length);
      expect(place.warnings).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
