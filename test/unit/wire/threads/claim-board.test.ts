import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../../../../src/wire/outcome.js';
import { ClaimBoard, LONGEST_BATCH, TASK_STATE } from '../../../../src/wire/threads/claim-board.js';

const value = (bytes: Uint8Array, usage: object = {}): Outcome => ({
  kind: 'value',
  value: { kind: 'inline', bytes, files: [] },
  usage: { runMs: 1.5, stagingMs: 0.25, where: 'here', ...usage },
});
const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251);

/** The two sides of a board, as a client and a thread have them. */
function boardOf(count: number): { client: ClaimBoard; thread: ClaimBoard } {
  const client = new ClaimBoard();
  client.reset(count);
  return { client, thread: new ClaimBoard(client.memory) };
}

const read = (client: ClaimBoard, count: number): Outcome[] => {
  const sheet = client.takeOutcomes(count);
  return Array.from({ length: count }, () => sheet.next('here'));
};

test('a task is claimed or taken back, by whoever comes first, and never both', () => {
  const { client, thread } = boardOf(2);
  expect([thread.claim(0), client.revoke(0)]).toEqual([true, false]);
  expect([client.revoke(1), thread.claim(1)]).toEqual([true, false]);
  expect([client.stateOf(0), client.stateOf(1)]).toEqual([TASK_STATE.claimed, TASK_STATE.revoked]);
});

test('the client sees which task runs', () => {
  const { client, thread } = boardOf(3);
  expect(client.running).toBe(-1);
  thread.claim(0);
  thread.finish(0, value(bytes(1)));
  thread.claim(1);
  expect(client.running).toBe(1);
});

test('outcomes are read as they were written, values and errors, with what tasks between them were taken back', () => {
  const { client, thread } = boardOf(4);
  const outcomes: Outcome[] = [
    value(bytes(0)),
    value(bytes(300), { cpuMs: 0.75 }),
    { kind: 'error', error: bytes(20), usage: { runMs: 2, stagingMs: 0, where: 'here' } },
  ];
  client.revoke(1);
  const left = [...outcomes];
  const ran = [0, 1, 2, 3].filter((index) => thread.claim(index) && thread.finish(index, left.shift() as Outcome));
  expect(ran).toEqual([0, 2, 3]);
  expect(client.stateOf(1)).toBe(TASK_STATE.revoked);
  expect(read(client, 3)).toEqual(outcomes);
});

test('an outcome keeps its bytes when the board is used again', () => {
  const { client, thread } = boardOf(1);
  thread.claim(0);
  thread.finish(0, value(bytes(10)));
  const sheet = client.takeOutcomes(1);
  client.reset(1);
  thread.claim(0);
  thread.finish(0, value(bytes(10).reverse()));
  expect(sheet.next('here')).toEqual(value(bytes(10)));
  expect(read(client, 1)).toEqual([value(bytes(10).reverse())]);
});

test('outcomes can be taken as they come, while the thread writes the next ones', () => {
  const { client, thread } = boardOf(4);
  const outcomes = [1, 2, 3, 4].map((length) => value(bytes(length), { runMs: length }));
  const finish = (index: number) => thread.claim(index) && thread.finish(index, outcomes[index] as Outcome);
  for (const index of [0, 1, 2]) finish(index);
  expect(read(client, 1)).toEqual(outcomes.slice(0, 1));
  finish(3);
  expect(read(client, 3)).toEqual(outcomes.slice(1));
});

test.each([
  ['few', 10, true],
  ['many', 2_000, false],
])('a value that stands among %s bytes of others keeps 8 KiB at most', (_, size, isShared) => {
  const { client, thread } = boardOf(8);
  for (let index = 0; index < 8; index++) if (thread.claim(index)) thread.finish(index, value(bytes(size)));
  const first = read(client, 8)[0];
  const held = first?.kind === 'value' && first.value.kind === 'inline' ? first.value.bytes.buffer.byteLength : 0;
  expect(held > size).toBe(isShared);
  expect(held).toBeLessThanOrEqual(8 * 1024);
});

test.each([
  ['larger than the board', value(bytes(70_000))],
  ['only referred to', { ...value(bytes(1)), value: { kind: 'reference', url: 's3://b/k', size: 1, files: [] } }],
  ['with files inside', { ...value(bytes(1)), value: { kind: 'inline', bytes: bytes(1), files: ['file:///a'] } }],
])('a value that is %s is not for the board, and stays claimed', (_, outcome) => {
  const { client, thread } = boardOf(2);
  thread.claim(0);
  expect(thread.finish(0, outcome as Outcome)).toBe(false);
  expect(client.stateOf(0)).toBe(TASK_STATE.claimed);
});

test('whatever fits is on the board whole, and what does not is refused', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2_000 }), { maxLength: LONGEST_BATCH }), (sizes) => {
      const { client, thread } = boardOf(sizes.length);
      const written = sizes.filter((size, index) => thread.claim(index) && thread.finish(index, value(bytes(size))));
      const done = sizes.filter((_, index) => client.stateOf(index) === TASK_STATE.done);
      expect(done).toEqual(written);
      expect(read(client, done.length)).toEqual(written.map((size) => value(bytes(size))));
    }),
    { numRuns: 50 },
  );
});
