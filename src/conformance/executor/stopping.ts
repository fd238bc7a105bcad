import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../../apps/io.js';
import { errorClassOf, type SluiceError } from '../../errors.js';
import { callOf } from './calls.js';
import type { Check } from './fixture.js';
import { failure, resultOf, run } from './outcomes.js';

/** What is aborted, too slow or gone says so, and stops as declared. */
export function stopping(check: Check): void {
  check('an aborted task rejects with the reason at once, and stops or runs on as declared', async (fixture) => {
    const { executor, markers } = fixture;
    const stop = new AbortController();
    if (markers === undefined) {
      const slow = executor.submit(
        callOf((_: Io) => 'sleep 1', [], { kind: 'bash' }),
        { signal: stop.signal },
      );
      stop.abort(new Error('no longer wanted'));
      return assert.rejects(slow, /no longer wanted/);
    }
    const [started, finished] = [join(markers, randomUUID()), join(markers, randomUUID())];
    const command = (from: string, to: string, io: Io) => io.sh`touch ${from}; sleep 1.5; touch ${to}`;
    const slow = executor.submit(callOf(command, [started, finished], { kind: 'bash' }), { signal: stop.signal });
    const rejected = assert.rejects(slow, /no longer wanted/);
    assert.ok(await appears(started, fixture.coldStartMs), 'the task did not start');
    stop.abort(new Error('no longer wanted'));
    await rejected;
    assert.equal(await appears(finished, 3_000), !executor.capabilities.cancelRunning);
  });
  check('a task aborted before it starts never runs', async ({ executor }) => {
    await assert.rejects(
      executor.submit(
        callOf(() => 1, []),
        { signal: AbortSignal.abort(new Error('too late')) },
      ),
      /too late/,
    );
  });
  check('a function that awaits too long is WALLTIME, class app', async ({ executor, coldStartMs }) => {
    const call = callOf((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), [coldStartMs + 20_000], {
      walltimeMs: 300,
    });
    const error = await failure(executor, call);
    assert.equal((error as SluiceError).code, 'WALLTIME');
  });
  check('a command that runs too long is WALLTIME, and is ended', async ({ executor }) => {
    const error = await failure(
      executor,
      callOf((_: Io) => 'sleep 60', [], { kind: 'bash', walltimeMs: 300 }),
    );
    assert.equal((error as SluiceError).code, 'WALLTIME');
  });
  check('a function that ends its worker is TASK_EXITED, and the next task runs', async ({ executor }) => {
    const exiting = callOf(() => {
      process.exit(3);
    }, []);
    const error = await failure(executor, exiting);
    assert.equal((error as SluiceError).code, 'TASK_EXITED');
    assert.equal(errorClassOf(error), 'app');
    assert.equal(
      resultOf(
        await run(
          executor,
          callOf(() => 'next', []),
        ),
      ),
      'next',
    );
  });
}

async function appears(path: string, withinMs: number): Promise<boolean> {
  for (const deadlineMs = Date.now() + withinMs; Date.now() < deadlineMs; ) {
    if (existsSync(path)) return true;
    await sleep(20);
  }
  return false;
}
