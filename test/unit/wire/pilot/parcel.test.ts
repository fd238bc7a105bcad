import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeMessage, parseClientMessage, parseManagerMessage } from '../../../../src/wire/pilot/message-codec.js';
import { PARCEL, packResults, packTasks, unpackResults, unpackTasks } from '../../../../src/wire/pilot/parcel.js';
import type { PilotResult, PilotTask } from '../../../../src/wire/pilot/pilot-task.js';
import {
  decodeWorkerOrder,
  decodeWorkerReport,
  encodeWorkerMessage,
} from '../../../../src/wire/worker/worker-message.js';

const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 });
const key = fc.maxSafeNat();
const task: fc.Arbitrary<PilotTask> = fc.record({
  key,
  priority: fc.double({ noNaN: true }),
  needs: fc.option(fc.record({ cores: fc.nat(), walltimeMs: fc.nat(), near: fc.array(fc.string()) }), {
    nil: undefined,
  }),
  code: fc.nat(),
  parts,
});
const result: fc.Arbitrary<PilotResult> = fc.record({ key, kind: fc.constantFrom('outcome', 'failure'), parts });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('tasks and results arrive as they were', () => {
  fc.assert(
    fc.property(fc.array(task, { maxLength: 6 }), word, (tasks, first) => {
      const { tasks: read, word: told } = unpackTasks(packTasks(PARCEL.run, tasks, first));
      expect(plain(read)).toEqual(plain(tasks));
      expect(told).toBe(first);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(result, fc.double({ min: 0, noNaN: true })), { maxLength: 6 }), (all) => {
      const [results, runMs] = [all.map(([one]) => one), all.map(([, ms]) => ms)];
      const read = unpackResults(packResults(results, runMs));
      expect(plain(read.results)).toEqual(plain(results));
      expect(read.runMs).toEqual(runMs);
    }),
  );
});

test('large parts are frames of their own, not copied on either side', () => {
  const large = new Uint8Array(100_000);
  const frames = packTasks(PARCEL.tasks, [
    { key: 1, priority: 0, needs: undefined, code: 0, parts: [new Uint8Array(3), large] },
  ]);
  expect(frames[1]).toBe(large);
  expect(unpackTasks(frames).tasks[0]?.parts[1]).toBe(large);
});

test('what is cut off or no parcel is refused with PROTOCOL', () => {
  fc.assert(
    fc.property(fc.array(task, { minLength: 1, maxLength: 4 }), fc.nat({ max: 400 }), (tasks, cut) => {
      const [head, ...large] = packTasks(PARCEL.tasks, tasks) as [Uint8Array, ...Uint8Array[]];
      const end = Math.min(cut, head.byteLength - 1);
      expect(() => unpackTasks([head.subarray(0, end), ...large])).toThrow(
        expect.objectContaining({ code: 'PROTOCOL' }),
      );
      if (large.length > 0) expect(() => unpackTasks([head, ...large.slice(1)])).toThrow('a large part is missing');
    }),
  );
  const refusals = (read: (frames: Uint8Array[]) => unknown) =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...Object.values(PARCEL)), (garbage, kind) => {
        try {
          read([Uint8Array.of(kind, ...garbage)]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL' });
        }
      }),
    );
  refusals(unpackTasks);
  refusals(unpackResults);
});

test('messages of links say what they are', () => {
  const tasks: PilotTask[] = [{ key: 7, priority: -1.5, needs: { cores: 2 }, code: 3, parts: [Uint8Array.of(1)] }];
  const results: PilotResult[] = [{ key: 2 ** 40, kind: 'failure', parts: [Uint8Array.of(1), Uint8Array.of(2)] }];
  for (const again of [false, true]) {
    expect(parseClientMessage(encodeMessage({ kind: 'tasks', tasks, again }))).toMatchObject({ kind: 'tasks', again });
  }
  expect(parseManagerMessage(encodeMessage({ kind: 'returned', tasks }))).toMatchObject({ kind: 'returned' });
  expect(parseManagerMessage(encodeMessage({ kind: 'results', results }))).toMatchObject({ kind: 'results' });
});

test('a worker is told the number of its first task, and what more it may use', () => {
  const tasks: PilotTask[] = [{ key: 7, priority: 0, needs: undefined, code: 3, parts: [Uint8Array.of(1)] }];
  const grant = { variables: { A: 'b' }, cores: '0,1' };
  const bare = decodeWorkerOrder(encodeWorkerMessage({ kind: 'run', first: 9, tasks }));
  expect(bare).toMatchObject({ kind: 'run', first: 9, tasks: [{ key: 7 }] });
  expect(decodeWorkerOrder(encodeWorkerMessage({ kind: 'run', first: 9, tasks, grant }))).toMatchObject({
    first: 9,
    grant,
  });
  const results: PilotResult[] = [{ key: 7, kind: 'outcome', parts: [Uint8Array.of(1)] }];
  const report = decodeWorkerReport(encodeWorkerMessage({ kind: 'results', results, runMs: [0.25] }));
  expect(report).toMatchObject({ kind: 'results', runMs: [0.25] });
});

// Views of frames and arrays of their own are equal here.
function plain(items: readonly { readonly parts: readonly Uint8Array[] }[]): unknown[] {
  return items.map((item) => ({ ...item, parts: item.parts.map((part) => [...part]) }));
}
