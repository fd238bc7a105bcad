import { expect, test } from 'vitest';
import { DemandPeak } from '../../../src/scaling/demand-peak.js';

test('the peak is the highest demand within the window', () => {
  const peak = new DemandPeak(100);
  expect(peak.observe(3, 0)).toBe(3);
  expect(peak.observe(1, 10)).toBe(3);
  expect(peak.observe(2, 20)).toBe(3);
  expect(peak.observe(0, 109)).toBe(3);
  expect(peak.observe(0, 110)).toBe(2);
  expect(peak.observe(0, 208)).toBe(2);
  expect(peak.observe(0, 209)).toBe(0);
});

test('a demand holds until the next observation, however long ago it was made', () => {
  const peak = new DemandPeak(100);
  peak.observe(5, 0);
  expect(peak.observe(0, 10_000)).toBe(5);
});
