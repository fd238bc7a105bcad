import { expect, test } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/scaling/clock.js';

test('the clock of the system calls back in time, and not what was given up', async () => {
  const startMs = SYSTEM_CLOCK.now();
  const called: string[] = [];
  await new Promise<void>((resolve) => {
    SYSTEM_CLOCK.later(10, () => called.push('given up'))();
    SYSTEM_CLOCK.later(20, () => {
      called.push('kept');
      resolve();
    });
  });
  expect(called).toEqual(['kept']);
  expect(SYSTEM_CLOCK.now() - startMs).toBeGreaterThan(15);
});
