import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { StopGroup } from '../../../src/run/stop-group.js';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

test('what is under way ends by its own signal, and no other does', async () => {
  const group = new StopGroup();
  const [one, other] = [new AbortController(), new AbortController()];
  const ended = group.run(one.signal, untilAborted);
  const going = group.run(other.signal, untilAborted);
  one.abort('no longer wanted');
  await expect(ended).rejects.toBe('no longer wanted');
  await expect(Promise.race([going, 'goes on'])).resolves.toBe('goes on');
  group.abort('over');
  await expect(going).rejects.toBe('over');
});

test('all of it ends with the group, and what comes later at once', async () => {
  const group = new StopGroup();
  const many = [1, 2, 3].map(() => group.run(new AbortController().signal, untilAborted));
  group.abort('over');
  group.abort('over again');
  const late = group.run(new AbortController().signal, untilAborted);
  const settled = await Promise.allSettled([...many, late]);
  expect(settled).toEqual(Array.from({ length: 4 }, () => ({ status: 'rejected', reason: 'over' })));
});

test('a signal that was aborted before ends it at once', async () => {
  await expect(new StopGroup().run(AbortSignal.abort('before'), untilAborted)).rejects.toBe('before');
});

test('nothing is left at a signal that lasts, however the work ended', async () => {
  const group = new StopGroup();
  const { signal } = new AbortController();
  await group.run(signal, async () => 'done');
  await expect(group.run(signal, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  await expect(
    group.run(signal, () => {
      throw new Error('at once');
    }),
  ).rejects.toThrow('at once');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
