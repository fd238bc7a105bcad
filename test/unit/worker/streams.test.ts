import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io, Outcome, SluiceError, TaskEnvelope } from 'sluice';
import { createWorker, type TaskRunner } from 'sluice/worker';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { callOf } from '../../../src/conformance/executor/calls.js';
import { DataFile } from '../../../src/data/data-file.js';
import { decodeError } from '../../../src/wire/error-codec.js';

let folder: string;
let worker: TaskRunner;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-streams-'));
  worker = createWorker({ scratchRoot: join(folder, 'scratch'), sharesProject: true });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await worker.close();
  await rm(folder, { recursive: true, force: true });
});

type Streams = Pick<TaskEnvelope, 'stdout' | 'stderr' | 'appends' | 'walltimeMs'>;

/** The envelope of a call whose streams go to files of the test's folder. */
function streaming(
  fn: (...args: never[]) => unknown,
  { kind, ...streams }: Streams & { readonly kind?: 'bash' },
  args: readonly unknown[] = [],
): TaskEnvelope {
  const url = (name: string): string => new DataFile(join(folder, name)).url;
  const call = callOf(fn, args, kind === undefined ? {} : { kind });
  const { stdout, stderr, ...rest } = streams;
  return {
    ...call,
    ...rest,
    ...(stdout !== undefined && { stdout: url(stdout) }),
    ...(stderr !== undefined && { stderr: url(stderr) }),
  };
}

const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

function expectDone(outcome: Outcome): void {
  if (outcome.kind === 'error') throw decodeError(outcome.error);
}

function errorOf(outcome: Outcome): SluiceError {
  if (outcome.kind === 'value') throw new Error('the task was meant to fail');
  return decodeError(outcome.error) as SluiceError;
}

describe('the streams of a function', () => {
  test('console and process streams go to the files, in the order they were written', async () => {
    const speak = async () => {
      console.log('log %d', 1);
      process.stdout.write('out ');
      await new Promise((resolve) => setTimeout(resolve, 5));
      process.stdout.write(Buffer.from('bytes\n'));
      process.stdout.write('6865780a', 'hex');
      console.info({ a: 1 });
      console.error('error');
      console.warn('warn');
      return new Promise<void>((resolve) => process.stderr.write('last\n', () => resolve()));
    };
    expectDone(await worker.run(streaming(speak, { stdout: 'out', stderr: 'err' })));
    expect(await text('out')).toBe('log 1\nout bytes\nhex\n{ a: 1 }\n');
    expect(await text('err')).toBe('error\nwarn\nlast\n');
  });

  test('a stream that is not asked for goes where it always does', async () => {
    const seen = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const both = () => {
      process.stdout.write('out\n');
      process.stderr.write('for the worker\n');
    };
    expectDone(await worker.run(streaming(both, { stdout: 'out' })));
    expect(await text('out')).toBe('out\n');
    expect(seen.mock.calls.flat()).toContain('for the worker\n');
  });

  test('tasks at one time write to a file each, and those without one to none', async () => {
    const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const chat = async (name: string) => {
      for (let line = 0; line < 20; line++) {
        process.stdout.write(`${name}${line} `);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await Promise.all([
      worker.run(streaming(chat, { stdout: 'a' }, ['a'])),
      worker.run(streaming(chat, { stdout: 'b' }, ['b'])),
      worker.run(callOf(chat, ['c'])),
    ]);
    const line = (name: string): string => Array.from({ length: 20 }, (_, index) => `${name}${index} `).join('');
    expect([await text('a'), await text('b')]).toEqual([line('a'), line('b')]);
    expect(said.mock.calls.map(([chunk]) => chunk).join('')).toBe(line('c'));
  });

  test('what code left over writes later is in no other task’s file', async () => {
    const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const leaving = () => {
      setTimeout(() => process.stdout.write('late\n'), 30);
      process.stdout.write('in time\n');
    };
    const waiting = () => new Promise((resolve) => setTimeout(resolve, 120));
    expectDone(await worker.run(streaming(leaving, { stdout: 'first' })));
    expectDone(await worker.run(streaming(waiting, { stdout: 'second' })));
    expect([await text('first'), await text('second')]).toEqual(['in time\n', '']);
    expect(said.mock.calls.flat()).toContain('late\n');
  });

  test('they are there when the function throws, and when it is given up at its walltime', async () => {
    const throwing = () => {
      console.log('before');
      throw new RangeError('thrown');
    };
    const waiting = async () => {
      console.log('so far');
      await new Promise((resolve) => setTimeout(resolve, 300));
      console.log('too late');
    };
    expect(errorOf(await worker.run(streaming(throwing, { stdout: 'thrown' })))).toBeInstanceOf(RangeError);
    const late = await worker.run(streaming(waiting, { stdout: 'late', walltimeMs: 60 }));
    expect(errorOf(late)).toMatchObject({ code: 'WALLTIME' });
    expect([await text('thrown'), await text('late')]).toEqual(['before\n', 'so far\n']);
  });

  test('nothing written makes an empty file; a function with Io finds its path', async () => {
    const knows = async (path: string, io: Io) => {
      const { appendFile } = await import('node:fs/promises');
      await appendFile(String(io.stdout), `${path}\n`);
      console.log('and by console');
    };
    const call = streaming(knows, { stdout: 'io', stderr: 'empty' }, ['by path']);
    expectDone(await worker.run({ ...call, app: { ...call.app, io: true, arity: 1 } }));
    expect([await text('io'), await text('empty')]).toEqual(['by path\nand by console\n', '']);
  });
});

describe.each(['function', 'bash'] as const)('appended streams of a %s', (kind) => {
  const speak = (word: string) => console.log(word);
  const command = (word: string, io: Io) => io.sh`echo ${word}; echo ${word} >&2`;
  const call = (word: string, streams: Streams): TaskEnvelope =>
    kind === 'bash' ? streaming(command, { ...streams, kind }, [word]) : streaming(speak, streams, [word]);

  test('are added to what is there, call by call, in folders that are made', async () => {
    const streams: Streams = { stdout: 'deep/log', appends: ['stdout'] };
    for (const word of ['one', 'two']) expectDone(await worker.run(call(word, streams)));
    expect(await text('deep/log')).toBe('one\ntwo\n');
  });

  test('replace nothing, where the other ones do', async () => {
    await Promise.all([writeFile(join(folder, 'kept'), 'old\n'), writeFile(join(folder, 'gone'), 'old\n')]);
    expectDone(await worker.run(call('new', { stdout: 'kept', stderr: 'gone', appends: ['stdout'] })));
    expect([await text('kept'), await text('gone')]).toEqual(['old\nnew\n', kind === 'bash' ? 'new\n' : '']);
  });

  test('that cannot be written are an error that names the path', async () => {
    await Promise.all([writeFile(join(folder, 'a-file'), ''), mkdir(join(folder, 'a-folder'))]);
    const below = await worker.run(call('x', { stdout: 'a-file/below', appends: ['stdout'] }));
    expect(errorOf(below)).toMatchObject({ class: 'usage', message: expect.stringContaining(join(folder, 'a-file')) });
    const isFolder = await worker.run(call('x', { stdout: 'a-folder', appends: ['stdout'] }));
    expect(errorOf(isFolder)).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(errorOf(isFolder).message).toContain(join(folder, 'a-folder'));
  });

  test('on a disk that this worker does not share are refused', async () => {
    const envelope = call('x', { stdout: 'log', appends: ['stdout'] });
    const relayed = { [envelope.stdout as string]: 's3://bucket/log' };
    expect(errorOf(await worker.run({ ...envelope, relayed }))).toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('a command’s end', () => {
  test('its error has the tail of standard error from the file, and of this attempt alone', async () => {
    await writeFile(join(folder, 'log'), 'of an earlier run\n');
    const failing = (_: Io) => 'head -c 5000 /dev/zero | tr "\\0" x >&2; echo end >&2; exit 126';
    const error = errorOf(await worker.run(streaming(failing, { kind: 'bash', stderr: 'log', appends: ['stderr'] })));
    expect(error).toMatchObject({ code: 'BASH_EXIT', exitCode: 126 });
    const { stderrTail } = error as unknown as { stderrTail: string };
    expect(stderrTail).toHaveLength(4096);
    expect(stderrTail.endsWith('xend\n')).toBe(true);
    const short = (_: Io) => 'echo short >&2; exit 1';
    const next = errorOf(await worker.run(streaming(short, { kind: 'bash', stderr: 'log', appends: ['stderr'] })));
    expect(next).toMatchObject({ stderrTail: 'short\n' });
  });

  test.each([
    ['false | true', 1],
    ['true | false | true', 1],
    ['(exit 15) | cat', 15],
    ['kill -ABRT $$', 134],
    ['true | true', 0],
  ])('%s ends with %i', async (command, exitCode) => {
    const outcome = await worker.run(callOf((line: string, _: Io) => line, [command], { kind: 'bash' }));
    if (exitCode === 0) expectDone(outcome);
    else expect(errorOf(outcome)).toMatchObject({ code: 'BASH_EXIT', exitCode });
  });

  test('every output that is missing is named at once', async () => {
    const outputs = ['one', 'two', 'three'].map((name) => join(folder, name));
    const call = callOf((io: Io) => io.sh`echo x > ${io.outputs[1]}`, [], { kind: 'bash', outputs });
    const error = errorOf(await worker.run(call));
    expect(error).toMatchObject({ code: 'MISSING_OUTPUT', class: 'app' });
    expect(error.message).toContain('2 of its outputs');
    for (const name of ['one', 'three']) expect(error.message).toContain(`file://${join(folder, name)}`);
    expect(error.message).not.toContain('/two');
  });

  test('leaves no descriptor open in the worker', async () => {
    const count = (): number => readdirSync(`/proc/${process.pid}/fd`).length;
    const call = (): TaskEnvelope =>
      streaming((_: Io) => 'echo x; echo y >&2', { kind: 'bash', stdout: 'out', stderr: 'err' });
    expectDone(await worker.run(call()));
    const before = count();
    for (let run = 0; run < 20; run++) expectDone(await worker.run(call()));
    expect(count()).toBeLessThan(before + 10);
  });
});
