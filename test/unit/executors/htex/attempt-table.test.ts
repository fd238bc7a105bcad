import { describe, expect, test, vi } from 'vitest';
import { callOf } from '../../../../src/conformance/executor/calls.js';
import { AttemptTable } from '../../../../src/executors/htex/attempt-table.js';
import { createBucketSpill } from '../../../../src/executors/htex/bucket-spill.js';
import { Carriage } from '../../../../src/executors/htex/carriage.js';
import { createMemoryStore } from '../../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../../src/object-store/object-store.js';
import { openRunBucket } from '../../../../src/run-bucket/run-bucket.js';
import type { Outcome } from '../../../../src/wire/outcome.js';
import { packOutcome } from '../../../../src/wire/pilot/envelope-parts.js';
import type { ClientMessage } from '../../../../src/wire/pilot/messages.js';

const outcome: Outcome = {
  kind: 'value',
  value: { kind: 'inline', bytes: new Uint8Array(1), files: [] },
  usage: { runMs: 0, stagingMs: 0, where: 'there' },
};

/** A table whose outputs come through a store that answers when it is told to. */
async function table() {
  const memory = createMemoryStore({ bucket: 'b' });
  let letCome = (): void => {};
  const mayCome = new Promise<void>((resolve) => {
    letCome = resolve;
  });
  const store: ObjectStore = {
    ...memory,
    getStream: async (key, options) => {
      await Promise.race([
        mayCome,
        new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))),
      ]);
      return memory.getStream(key, options);
    },
  };
  const bucket = await openRunBucket(() => store, { bucket: 'b', prefix: 'p', runId: 'r', label: 'l' });
  const spill = createBucketSpill(bucket);
  const sent: ClientMessage[] = [];
  let idle = 0;
  const attempts = new AttemptTable({
    send: (message) => sent.push(message),
    carriage: new Carriage({
      label: 'l',
      sharesFilesystem: false,
      keepsTemporary: false,
      bucket,
      spill,
      spillBytes: 1_000,
    }),
    whereabouts: undefined,
    choosesNear: false,
    maxMessageBytes: 2 ** 20,
    onIdle: () => {
      idle += 1;
    },
  });
  const ends: unknown[] = [];
  const receiver = { onOutcome: (value: Outcome) => ends.push(value), onFailure: (error: unknown) => ends.push(error) };
  const sentTasks = () => sent.flatMap((message) => (message.kind === 'tasks' ? message.tasks : []));
  const result = { key: 0, kind: 'outcome', parts: packOutcome(outcome) } as const;
  const dispatch = async () => {
    const attempt = attempts.dispatch({ ...callOf(() => 1, []), outputs: ['file:///nowhere/out'] }, receiver, 1);
    await vi.waitFor(() => expect(sentTasks()).toHaveLength(1));
    return attempt;
  };
  return { attempts, dispatch, result, ends, sent, sentTasks, letCome, idle: () => idle };
}

describe('an attempt whose outputs are on their way back', () => {
  test('is under way until they have come, and told to no other interchange', async () => {
    const { attempts, dispatch, result, ends, sentTasks, letCome, idle } = await table();
    await dispatch();
    attempts.settle([result]);
    attempts.introduce();
    expect(sentTasks()).toHaveLength(1);
    // As an interchange that took over may repeat it.
    attempts.settle([result]);
    expect([attempts.size, idle(), ends]).toEqual([1, 0, []]);
    letCome();
    await vi.waitFor(() => expect(ends).toMatchObject([{ code: 'NOT_FOUND' }]));
    expect([attempts.size, attempts.slots, idle()]).toEqual([0, 0, 1]);
  });

  test('can be given up, and nobody is told to stop what is over', async () => {
    const { attempts, dispatch, result, ends, sent } = await table();
    const attempt = await dispatch();
    attempts.settle([result]);
    attempt.abort(new Error('no longer wanted'));
    expect(ends).toMatchObject([{ message: 'no longer wanted' }]);
    expect(sent.some(({ kind }) => kind === 'cancel')).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toHaveLength(1);
  });
});

test('an attempt that is given up before it is sent is not sent', async () => {
  const { attempts, ends, sentTasks, idle } = await table();
  const receiver = { onOutcome: (value: Outcome) => ends.push(value), onFailure: (error: unknown) => ends.push(error) };
  const attempt = attempts.dispatch({ ...callOf(() => 1, []), call: new Uint8Array(2_000) }, receiver, 1);
  attempt.abort(new Error('no longer wanted'));
  expect([ends, idle(), attempts.size]).toMatchObject([[{ message: 'no longer wanted' }], 1, 0]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(sentTasks()).toEqual([]);
});
