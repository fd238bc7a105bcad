import { expect, test } from 'vitest';
import { createSlots } from '../../../src/ssh/slots.js';

test('so many are taken at a time, and those who wait are served in order', async () => {
  const slots = createSlots(2);
  const [first, second] = [await slots.take(), await slots.take()];
  const served: string[] = [];
  const third = slots.take().then((release) => {
    served.push('third');
    return release;
  });
  const fourth = slots.take().then(() => served.push('fourth'));
  await Promise.resolve();
  expect(served).toEqual([]);
  first();
  // A place that is given back twice is one place.
  first();
  const release = await third;
  expect(served).toEqual(['third']);
  release();
  await fourth;
  second();
  await slots.take();
});

test('once closed, those who wait and those who come get the error', async () => {
  const slots = createSlots(1);
  await slots.take();
  const waiting = slots.take();
  slots.close(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
  await expect(slots.take()).rejects.toThrow('over');
});
