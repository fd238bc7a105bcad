import { expect, test } from 'vitest';
import { SentResults } from '../../../src/pilot/sent-results.js';

const message = (key: number, bytes: number) => ({ keys: [key], frames: [new Uint8Array(bytes)] });
const keysOf = (sent: SentResults, nowMs: number) => sent.recent(nowMs).flatMap(({ keys }) => keys);

test('what was sent lately is kept, in order, and the old is forgotten', () => {
  const sent = new SentResults({ keepMs: 100, keepBytes: 1_000 });
  sent.add(message(1, 10), 0);
  sent.add(message(2, 10), 60);
  expect(keysOf(sent, 90)).toEqual([1, 2]);
  expect(keysOf(sent, 150)).toEqual([2]);
  expect(keysOf(sent, 200)).toEqual([]);
});

test('no more than so many bytes are kept, but always the newest message', () => {
  const sent = new SentResults({ keepMs: 100, keepBytes: 25 });
  for (const key of [1, 2, 3]) sent.add(message(key, 10), key);
  expect(keysOf(sent, 5)).toEqual([2, 3]);
  sent.add(message(4, 9_000), 6);
  expect(keysOf(sent, 7)).toEqual([4]);
});

test('a hundred thousand messages later it is no larger', () => {
  const sent = new SentResults({ keepMs: 10, keepBytes: 1e9 });
  for (let key = 0; key < 100_000; key++) sent.add(message(key, 1), key);
  expect(keysOf(sent, 99_999)).toHaveLength(11);
});
