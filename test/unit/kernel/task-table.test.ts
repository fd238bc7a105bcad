import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/kernel/task-record.js';
import { TaskTable } from '../../../src/kernel/task-table.js';

const recordOf = (taskId: number): TaskRecord => ({ taskId }) as TaskRecord;

test('whatever is deleted and when, it holds what a Map would, in order', () => {
  const history = fc.array(fc.record({ added: fc.nat(1_500), deleted: fc.array(fc.nat(6_000), { maxLength: 400 }) }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(history, (steps) => {
      const table = new TaskTable();
      const map = new Map<number, TaskRecord>();
      let next = 0;
      for (const { added, deleted } of steps) {
        for (const end = next + added; next < end; next++) {
          const record = recordOf(next);
          table.add(record);
          map.set(next, record);
        }
        for (const taskId of deleted) {
          table.delete(taskId);
          map.delete(taskId);
        }
      }
      expect(table.size).toBe(map.size);
      expect(table.records()).toEqual([...map.values()]);
      for (let taskId = 0; taskId <= next; taskId++) expect(table.get(taskId)).toBe(map.get(taskId));
    }),
    { numRuns: 20 },
  );
});

test('a task that was deleted twice, or was never there, changes nothing', () => {
  const table = new TaskTable();
  table.add(recordOf(0));
  table.add(recordOf(1));
  table.delete(0);
  table.delete(0);
  table.delete(5_000);
  expect(table.size).toBe(1);
  expect(table.records()).toEqual([recordOf(1)]);
});

test('the many that finish first leave the others where they are', () => {
  const table = new TaskTable();
  for (let taskId = 0; taskId < 5_000; taskId++) table.add(recordOf(taskId));
  for (let taskId = 0; taskId < 4_990; taskId++) table.delete(taskId);
  for (let taskId = 5_000; taskId < 5_005; taskId++) table.add(recordOf(taskId));
  expect(table.records()).toEqual(Array.from({ length: 15 }, (_, index) => recordOf(4_990 + index)));
  expect([table.size, table.get(4_989), table.get(5_004)]).toEqual([15, undefined, recordOf(5_004)]);
});
