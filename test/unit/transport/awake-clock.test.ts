import { expect, test } from 'vitest';
import { AwakeClock, tickMsFor } from '../../../src/transport/awake-clock.js';

test('it goes with the time, and stands still while its process does', () => {
  const clock = new AwakeClock(100, 5_000);
  clock.tick(5_100);
  clock.tick(5_230);
  expect(clock.awakeMs).toBe(230);
  clock.tick(95_000);
  expect(clock.awakeMs).toBe(430);
});

test('links look at it several times in each heartbeat, and once a second at least', () => {
  expect([20, 200, 30_000].map(tickMsFor)).toEqual([10, 50, 1_000]);
});
