import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aWorld, type Happening, type ScalingWorld, type WorldOptions } from '../fixtures/scaling/scaling-world.js';

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tasks' as const), count: fc.nat({ max: 40 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), count: fc.nat({ max: 40 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('taken' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refused' as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('starts' as const), which: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('connects' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('losesManager' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drainsByItself' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('dies' as const),
      which: fc.nat(),
      as: fc.constantFrom('failed' as const, 'completed' as const, 'timeout' as const, 'cancelled' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('poll' as const), lie: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('passes' as const), ms: fc.nat({ max: 90_000 }) }) },
);
const history = fc.array(happening, { minLength: 20, maxLength: 120 });

const options = (...strategies: WorldOptions['strategy'][]): fc.Arbitrary<WorldOptions> =>
  fc
    .record({
      maxBlocks: fc.integer({ min: 1, max: 8 }),
      minOf: fc.double({ min: 0, max: 1, noNaN: true }),
      initOf: fc.double({ min: 0, max: 1, noNaN: true }),
      parallelism: fc.constantFrom(0, 0.1, 0.5, 1),
      nodesPerBlock: fc.integer({ min: 1, max: 3 }),
      slotsPerNode: fc.integer({ min: 1, max: 16 }),
      expectedSlotsPerNode: fc.integer({ min: 1, max: 16 }),
      strategy: fc.constantFrom(...strategies),
      errorHandler: fc.constantFrom('none' as const, 'simple' as const, 'windowed' as const),
      perSecond: fc.integer({ min: 1, max: 4 }),
      perMinute: fc.integer({ min: 4, max: 30 }),
    })
    .map(({ minOf, initOf, ...rest }) => ({
      ...rest,
      minBlocks: Math.round(minOf * rest.maxBlocks),
      initBlocks: Math.round(initOf * rest.maxBlocks),
    }));

/** Each check of {@link ScalingWorld} fails the history that breaks it. */
function replayed(given: WorldOptions, happenings: readonly Happening[]): ScalingWorld {
  const world = aWorld(given);
  for (const event of happenings) world.happens(event);
  return world;
}

test('no history has more than maxBlocks jobs, exceeds a submit limit, or takes in a block that has tasks', () => {
  fc.assert(
    fc.property(options('none', 'simple', 'htex-auto-scale', 'greedy'), history, (given, happenings) => {
      replayed(given, happenings);
    }),
    { numRuns: 600 },
  );
});

test('once the world stands still nothing more is decided, and what must be there is there', () => {
  fc.assert(
    fc.property(
      options('none', 'simple', 'htex-auto-scale'),
      history,
      fc.nat({ max: 60 }),
      (given, happenings, tasks) => {
        const world = replayed(given, happenings);
        world.becomesBenign(tasks);
        const before = world.decisions;
        world.standsStill(20 * 60_000);
        expect(world.decisions).toBe(before);
        const { workingBlocks } = world;
        if (tasks === 0 && world.hasGivenUp) return;
        expect(workingBlocks).toBeGreaterThanOrEqual(given.minBlocks);
        if (given.strategy === 'none') return;
        if (tasks > 0) expect(workingBlocks).toBeGreaterThanOrEqual(1);
        const slots = workingBlocks * given.slotsPerNode * given.nodesPerBlock;
        if (workingBlocks < given.maxBlocks) expect(slots + 1e-6).toBeGreaterThanOrEqual(tasks * given.parallelism);
        if (tasks === 0) expect(workingBlocks).toBe(given.minBlocks);
        if (given.strategy === 'htex-auto-scale') expect(workingBlocks).toBeLessThanOrEqual(world.mostUseful(tasks));
      },
    ),
    { numRuns: 120 },
  );
});
