import fc from 'fast-check';
import type { RunEvent } from 'sluice';
import { expect, test } from 'vitest';
import { eventsOf } from '../../src/run/event-line.js';
import { EventWriter } from '../../src/run/event-writer.js';

const name = fc.constantFrom('a', 'b', 'ü');
const task = { atMs: fc.constantFrom(1, 2), taskId: fc.nat(2), app: name };
const status = fc.constantFrom('waiting', 'launched', 'delayed', 'joining', 'done', 'failed', 'cancelled');
const attempt = { ...task, attempt: fc.constantFrom(1, 2), executor: name };
const usage = fc.record(
  {
    runMs: fc.nat(5_000).map((thousandths) => thousandths / 1000),
    stagingMs: fc.constantFrom(0, 0, 1.5),
    where: name,
    cpuMs: fc.constant(1),
  },
  { requiredKeys: ['runMs', 'stagingMs', 'where'] },
);
const event: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.record({ kind: fc.constant('taskCreated'), ...task }),
  fc.record({ kind: fc.constant('taskStatus'), ...task, from: status, status }),
  fc.record({ kind: fc.constant('attemptStarted'), ...attempt }),
  fc.record({ kind: fc.constant('taskRecovery'), ...task, of: fc.nat(2), file: fc.constantFrom('temp:a', 'temp:b') }),
  fc.record(
    { kind: fc.constant('attemptEnded'), ...attempt, error: name, usage },
    { requiredKeys: ['kind', 'atMs', 'taskId', 'app', 'attempt', 'executor'] },
  ),
);
// A task's events often follow one another, and the next task's are the same.
const several = fc
  .array(event, { maxLength: 6 })
  .chain((some) =>
    fc
      .array(fc.nat(5), { minLength: 1, maxLength: 4 })
      .map((ids) => ids.flatMap((taskId) => some.map((one) => ({ ...one, taskId })))),
  );
const history = fc.array(fc.oneof(several, fc.array(event)), { maxLength: 20 }).map((parts) => parts.flat());

test('whatever happens, the lines tell of it all, in order, wherever the log was flushed', () => {
  fc.assert(
    fc.property(history, fc.array(fc.nat(200)), (events, flushes) => {
      let written = '';
      const writer = new EventWriter((lines) => {
        written += Buffer.from(lines).toString();
      });
      for (const [index, one] of events.entries()) {
        writer.write(one);
        if (flushes.includes(index)) writer.flush();
      }
      writer.flush();
      expect(written.split('\n').slice(0, -1).flatMap(eventsOf)).toEqual(events);
    }),
    { numRuns: 500 },
  );
});
