import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { INBOX_BYTES, Inbox } from '../../../../src/wire/threads/inbox.js';

const thread = new URL('../../../fixtures/threads/inbox-thread.mjs', import.meta.url);
const LONG_MS = 30_000;

/** An inbox, and a thread that waits at it for so long after each batch. */
function inboxWith({ waitMs }: { waitMs: number }) {
  const memory = new SharedArrayBuffer(INBOX_BYTES + 4);
  const sum = new Int32Array(memory, INBOX_BYTES, 1);
  const inbox = new Inbox(memory, 0);
  const worker = new Worker(thread, { workerData: { memory, waitMs } });
  const start = (first: number): void => {
    inbox.reset();
    worker.postMessage(Uint8Array.of(first));
  };
  const waiting = async (): Promise<void> => {
    while (!inbox.isWaiting) await nextTurn();
  };
  return {
    inbox,
    start,
    waiting,
    left: () => once(worker, 'message'),
    sum: () => Atomics.load(sum, 0),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

test('a thread that waits gets batch after batch without a message, and leaves when it is dismissed', async () => {
  await using at = inboxWith({ waitMs: LONG_MS });
  at.start(1);
  for (const batch of [2, 3, 4]) {
    await at.waiting();
    expect(at.inbox.put(Uint8Array.of(batch))).toBe(true);
  }
  await at.waiting();
  expect(at.sum()).toBe(10);
  const left = at.left();
  at.inbox.dismiss();
  await left;
  expect(at.inbox.put(Uint8Array.of(100))).toBe(false);
});

test('a thread that waits in vain leaves by itself', async () => {
  await using at = inboxWith({ waitMs: 1 });
  at.start(1);
  await at.left();
  expect([at.inbox.isWaiting, at.inbox.put(Uint8Array.of(100)), at.sum()]).toEqual([false, false, 1]);
});

test('a thread does not wait for a client that has stopped looking', () => {
  const inbox = new Inbox(new SharedArrayBuffer(INBOX_BYTES), 0);
  inbox.reset();
  inbox.unwatch();
  expect([inbox.take(LONG_MS), inbox.isWaiting]).toEqual([undefined, false]);
});

test('a batch that is too long is refused, and the thread goes on waiting', async () => {
  await using at = inboxWith({ waitMs: LONG_MS });
  at.start(1);
  await at.waiting();
  expect([at.inbox.put(new Uint8Array(INBOX_BYTES)), at.inbox.isWaiting]).toEqual([false, true]);
});

test('a batch that was taken runs once, and one that was refused never, whenever the thread leaves', async () => {
  await using at = inboxWith({ waitMs: 0.01 });
  let expected = 0;
  let refused = 0;
  for (let visit = 0; visit < 200; visit++) {
    let hasLeft = false;
    void at.left().then(() => {
      hasLeft = true;
    });
    at.start(1);
    expected += 1;
    while (!hasLeft) {
      if (at.inbox.isWaiting) {
        if (at.inbox.put(Uint8Array.of(1))) expected += 1;
        else refused += 1;
      }
      if (visit % 3 === 0) at.inbox.unwatch();
      await nextTurn();
    }
    expect(at.sum()).toBe(expected);
  }
  expect(expected + refused).toBeGreaterThan(200);
});
