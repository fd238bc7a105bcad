import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../apps/io.js';
import { DataFile } from '../data/data-file.js';
import { errorClassOf, type SluiceError } from '../errors.js';
import type { Executor, RunContext } from '../executors/executor.js';
import { decode } from '../wire/codec.js';
import { decodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import type { Resources, TaskEnvelope } from '../wire/task-envelope.js';
import { callOf, SlotMarker } from './executor-calls.js';
import type { TestApi } from './test-api.js';

/** What the suite tests: an executor that is not started, and what it may use once it is. */
export interface ExecutorFixture {
  readonly executor: Executor;
  readonly run: RunContext;
  /** URL prefix, without a trailing slash, below which tasks may read and write: `file:///…` or `s3://…`. */
  readonly filesAt: string;
  /** Writes and reads what lies at a URL below `filesAt`. */
  readonly writeText: (url: string, text: string) => Promise<void>;
  readonly readText: (url: string) => Promise<string | undefined>;
  /** A folder that tasks may write to directly, where there is one: shows what runs on after an abort. */
  readonly markers?: string;
  /** Longest a task of the suite may take to start, in milliseconds, cold starts included. */
  readonly coldStartMs: number;
  /** Called after the executor was closed. */
  close(): Promise<void>;
}

type Check = (title: string, body: (fixture: ExecutorFixture) => Promise<void>) => void;

/**
 * Holds an {@link Executor} to its contract, in every answer it declares. `create` is called once for the whole suite;
 * the executor is started before and closed after it.
 */
export function executorSuite(api: TestApi, name: string, create: () => Promise<ExecutorFixture>): void {
  api.describe(`executor conformance: ${name}`, () => {
    let fixture: ExecutorFixture;
    api.beforeAll(async () => {
      fixture = await create();
      await fixture.executor.start(fixture.run);
    });
    api.afterAll(async () => {
      await fixture.executor.close({ graceMs: 1_000 });
      await fixture.close();
    });
    const check: Check = (title, body) => api.test(title, () => body(fixture));
    valuesAndErrors(check);
    files(check);
    stopping(check);
    bookkeeping(check);
  });
}

function valuesAndErrors(check: Check): void {
  check('a function gets its arguments and its value comes back', async ({ executor }) => {
    const outcome = await run(
      executor,
      callOf((a: number, b: string) => ({ a: a + 1, b: [b, undefined] }), [1, 'x']),
    );
    assert.deepEqual(resultOf(outcome), { a: 2, b: ['x', undefined] });
  });
  check('an async function is awaited', async ({ executor }) => {
    assert.equal(
      resultOf(
        await run(
          executor,
          callOf(async (n: number) => n * 2, [21]),
        ),
      ),
      42,
    );
  });
  check("Node's own modules can be imported inside", async ({ executor }) => {
    const call = callOf(async () => (await import('node:path')).posix.join('a', 'b'), []);
    assert.equal(resultOf(await run(executor, call)), 'a/b');
  });
  check('values cross the wire with their types', async ({ executor }) => {
    const value = [new Map([['k', new Set([1n])]]), new Date(5), new Uint8Array([1, 2]), /x/gi, new URL('http://h/p')];
    assert.deepEqual(
      resultOf(
        await run(
          executor,
          callOf((x: unknown) => x, [value]),
        ),
      ),
      value,
    );
  });
  check('a slot arrives as the value that stands in it', async ({ executor }) => {
    const call = callOf((x: { inner: number[] }) => x.inner.length, [{ inner: new SlotMarker(0) }], {
      slots: [[1, 2, 3]],
    });
    assert.equal(resultOf(await run(executor, call)), 3);
  });
  check(
    'an error of the app is an outcome, with its class, fields, cause and the remote stack',
    async ({ executor }) => {
      const call = callOf(() => {
        throw Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { limit: 7 });
      }, []);
      const error = errorOf(await run(executor, call)) as RangeError & { limit: number };
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'too far');
      assert.equal(error.limit, 7);
      assert.ok(error.cause instanceof TypeError);
      assert.match(error.stack ?? '', /too far/);
      assert.equal(errorClassOf(error), 'app');
    },
  );
  for (const thrown of [null, 'a string', 42]) {
    check(`throwing ${JSON.stringify(thrown)} is an error that says so`, async ({ executor }) => {
      const call = callOf(
        (value: unknown) => {
          throw value;
        },
        [thrown],
      );
      const error = errorOf(await run(executor, call)) as SluiceError;
      assert.equal(error.code, 'NON_ERROR_THROWN');
      assert.equal(error.cause, thrown);
    });
  }
  check('a result that cannot be sent is refused with its path', async ({ executor }) => {
    const error = errorOf(
      await run(
        executor,
        callOf(() => ({ deep: [() => 1] }), []),
      ),
    ) as SluiceError;
    assert.equal(error.code, 'NOT_SENDABLE');
    assert.match(error.message, /\.deep\[0\]/);
  });
  check('a failure in one task leaves the next one alone', async ({ executor }) => {
    const failing = callOf(() => {
      throw new Error('no');
    }, []);
    const outcomes = await Promise.all(
      [1, 2, 3].flatMap((n) => [
        run(executor, failing),
        run(
          executor,
          callOf((x: number) => x, [n]),
        ),
      ]),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['error', 'value', 'error', 'value', 'error', 'value'],
    );
  });
  check('a 2 MiB argument and result arrive whole', async ({ executor }) => {
    const bytes = new Uint8Array(2 * 2 ** 20).map((_, index) => index % 251);
    const back = resultOf(
      await run(
        executor,
        callOf((x: Uint8Array) => x, [bytes]),
      ),
    );
    assert.ok(Buffer.from(back as Uint8Array).equals(bytes));
  });
}

function files(check: Check): void {
  check('an input is readable at its path, and two of one base name do not collide', async (fixture) => {
    const [first, second] = [`${fixture.filesAt}/${randomUUID()}/x.txt`, `${fixture.filesAt}/${randomUUID()}/x.txt`];
    await fixture.writeText(first, 'one');
    await fixture.writeText(second, 'two');
    const call = callOf(
      async (a: { path: string }, b: { path: string }) => {
        const { readFile } = await import('node:fs/promises');
        return [await readFile(a.path, 'utf8'), await readFile(b.path, 'utf8')];
      },
      [new DataFile(first), new DataFile(second)],
    );
    assert.deepEqual(resultOf(await run(fixture.executor, call)), ['one', 'two']);
  });
  check('an output appears where it belongs once the outcome is there', async (fixture) => {
    const output = `${fixture.filesAt}/${randomUUID()}/made here.txt`;
    const call = callOf((io: Io) => io.sh`printf %s ${"it's"} > ${io.outputs[0]}`, [], {
      kind: 'bash',
      outputs: [output],
    });
    assert.equal(resultOf(await run(fixture.executor, call)), 0);
    assert.equal(await fixture.readText(output), "it's");
  });
  check('an output that was not written is MISSING_OUTPUT', async (fixture) => {
    const output = `${fixture.filesAt}/${randomUUID()}.txt`;
    const error = errorOf(
      await run(
        fixture.executor,
        callOf((_: Io) => 'true', [], { kind: 'bash', outputs: [output] }),
      ),
    ) as SluiceError;
    assert.equal(error.code, 'MISSING_OUTPUT');
    assert.equal(await fixture.readText(output), undefined);
  });
  check('an input that does not exist is NOT_FOUND, class usage', async (fixture) => {
    const call = callOf((x: unknown) => x, [new DataFile(`${fixture.filesAt}/${randomUUID()}`)]);
    const error = await failure(fixture.executor, call);
    assert.equal((error as SluiceError).code, 'NOT_FOUND');
    assert.equal(errorClassOf(error), 'usage');
  });
  check('a failed command is a BashExitError with its exit code and the end of its stderr', async ({ executor }) => {
    const error = errorOf(
      await run(
        executor,
        callOf((_: Io) => 'echo first; echo bad luck >&2; exit 15', [], { kind: 'bash' }),
      ),
    );
    assert.equal((error as { exitCode: number }).exitCode, 15);
    assert.match((error as { stderrTail: string }).stderrTail, /bad luck/);
  });
  check('each attempt has a scratch folder of its own', async ({ executor }) => {
    const call = () =>
      callOf((io: Io) => io.sh`test -z "$(ls -A)" && touch mine && test ${io.scratch} = "$PWD"`, [], { kind: 'bash' });
    const outcomes = await Promise.all([run(executor, call()), run(executor, call())]);
    assert.deepEqual(outcomes.map(resultOf), [0, 0]);
  });
}

function stopping(check: Check): void {
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

function bookkeeping(check: Check): void {
  check('load counts what is outstanding', async ({ executor }) => {
    assert.equal(executor.load().outstanding, 0);
    const task = run(
      executor,
      callOf(() => 1, []),
    );
    assert.equal(executor.load().outstanding, 1);
    await task;
    assert.equal(executor.load().outstanding, 0);
    assert.ok(executor.load().capacity >= 1);
  });
  check('usage says how long the code ran, and where', async ({ executor }) => {
    const { usage } = await run(
      executor,
      callOf((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), [60]),
    );
    assert.ok(usage.runMs >= 55, `runMs is ${usage.runMs}`);
    assert.notEqual(usage.where, '');
    assert.ok(usage.peakMemoryMiB > 1);
  });
  check('it declares resources it knows', async ({ executor }) => {
    const known: readonly (keyof Resources)[] = ['cores', 'memoryMiB', 'accelerators'];
    for (const key of executor.capabilities.resources) assert.ok(known.includes(key), key);
  });
}

async function appears(path: string, withinMs: number): Promise<boolean> {
  for (const deadlineMs = Date.now() + withinMs; Date.now() < deadlineMs; ) {
    if (existsSync(path)) return true;
    await sleep(20);
  }
  return false;
}

function run(executor: Executor, envelope: TaskEnvelope): Promise<Outcome> {
  return executor.submit(envelope, { signal: new AbortController().signal });
}

// A platform may end a task from outside, where a worker reports it itself: both are the kernel's to hear.
async function failure(executor: Executor, envelope: TaskEnvelope): Promise<unknown> {
  try {
    return errorOf(await run(executor, envelope));
  } catch (error) {
    return error;
  }
}

function resultOf(outcome: Outcome): unknown {
  if (outcome.kind === 'error') throw decodeError(outcome.error);
  assert.equal(outcome.value.kind, 'inline');
  return decode((outcome.value as { bytes: Uint8Array }).bytes);
}

function errorOf(outcome: Outcome): unknown {
  assert.equal(outcome.kind, 'error', 'the task was meant to fail');
  return decodeError((outcome as { error: Uint8Array }).error);
}
