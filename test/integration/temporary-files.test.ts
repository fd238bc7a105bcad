import { existsSync, readdirSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  app,
  bash,
  type DataFile,
  type DataFuture,
  file,
  httpStaging,
  InputLostError,
  type Io,
  join as joinApp,
  type RunEvent,
  type SluiceError,
  ThreadPoolExecutor,
} from 'sluice';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { collectGarbage } from '../fixtures/kernel/collect-garbage.js';
import { failureOf, thrownBy } from '../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../fixtures/kernel/temporary-run.js';

const events: RunEvent[] = [];
let run: TemporaryRun;
beforeEach(async () => {
  events.length = 0;
  const monitors = [{ record: (event: RunEvent) => void events.push(event), close: async () => {} }];
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 3 })], monitors });
});
afterEach(() => run[Symbol.asyncDispose]());

/** Files and folders that are kept now: `3-1/0123456789abcdef/a.txt`. */
function kept(): string[] {
  const root = join(run.kernel.runDir, 'temp');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

const pathOf = (kept: string): string => join(run.kernel.runDir, 'temp', kept);

/** Apps that note each time they run. */
function makeApps() {
  const { kernel, folder } = run;
  const log = join(folder, 'log');
  const write = app(
    async (text: string, log: string, io: Io) => {
      const { appendFile, writeFile } = await import('node:fs/promises');
      await appendFile(log, `write ${text}\n`);
      await Promise.all(io.outputs.map((output) => writeFile(output.path, text)));
    },
    { name: 'write', kernel, io: true },
  );
  const double = app(
    async (text: DataFile, log: string, io: Io) => {
      const { appendFile, readFile, writeFile } = await import('node:fs/promises');
      const found = await readFile(text.path, 'utf8');
      await appendFile(log, `double ${found}\n`);
      await writeFile(io.outputs[0]?.path as string, found + found);
    },
    { name: 'double', kernel, io: true },
  );
  const read = app(async (text: DataFile) => (await import('node:fs/promises')).readFile(text.path, 'utf8'), {
    name: 'read',
    kernel,
  });
  const runs = async (): Promise<string[]> => (await readFile(log, 'utf8')).trimEnd().split('\n');
  return { write, double, read, log, runs };
}

describe('what a task makes for others', () => {
  test('goes from task to task, is named by its URL, and has no path in the client', async () => {
    const { write, double, read, log } = makeApps();
    const a = write('ab', log, { outputs: ['temp:parts/a.txt'] });
    const b = double(a.outputs[0], log, { outputs: ['temp:parts/b.txt'] });
    expect(await Promise.all([read(a.outputs[0]), read(b.outputs[0])])).toEqual(['ab', 'abab']);
    const made = await b.outputs[0];
    expect([made.url, made.filename]).toEqual(['temp:parts/b.txt', 'b.txt']);
    expect(thrownBy(() => made.path)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
    expect(await read(made)).toBe('abab');
  });

  test('is passed to bash apps as an input, read by its bare name, and waited for by it', async () => {
    const { write, read, log } = makeApps();
    const a = write('one', log, { outputs: ['temp:a'] });
    const cat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'cat', kernel: run.kernel });
    const both = cat({ inputs: ['temp:a', a.outputs[0]], outputs: ['temp:both'] });
    expect(await read(file('temp:both'))).toBe('oneone');
    expect(await both).toBe(0);
  });

  test('may be a folder, and files of one name in several folders', async () => {
    const fill = bash(
      (io) =>
        io.sh`mkdir ${io.outputs[0]}/below && echo 1 > ${io.outputs[0]}/x && echo 2 > ${io.outputs[0]}/below/x && echo 3 > ${io.outputs[1]}`,
      {
        name: 'fill',
        kernel: run.kernel,
      },
    );
    const list = app(
      async (folder: DataFile, other: DataFile) => {
        const { readFile } = await import('node:fs/promises');
        const files = [`${folder.path}/x`, `${folder.path}/below/x`, other.path];
        return Promise.all(files.map((path) => readFile(path, 'utf8')));
      },
      { name: 'list', kernel: run.kernel },
    );
    const { outputs } = fill({ outputs: ['temp:dir/', 'temp:other/x'] });
    expect(await list(outputs[0], outputs[1])).toEqual(['1\n', '2\n', '3\n']);
    outputs[0].release();
    await vi.waitFor(() => expect(kept()).toEqual([expect.stringMatching(/\/x$/)]));
  });

  test('arrives inside the values of tasks and of promises', async () => {
    const { write, read, log } = makeApps();
    const pass = app((text: DataFile) => ({ inside: [text] }), { name: 'pass', kernel: run.kernel });
    const readInside = app(
      async ({ inside: [text] }: { inside: DataFile[] }) =>
        (await import('node:fs/promises')).readFile(text?.path as string, 'utf8'),
      { name: 'readInside', kernel: run.kernel },
    );
    const passed = pass(write('deep', log, { outputs: ['temp:deep'] }).outputs[0]);
    await passed;
    await collectGarbage();
    expect(await readInside(passed)).toBe('deep');
    const decoded = await passed;
    expect(await readInside(Promise.resolve(decoded))).toBe('deep');
    await collectGarbage();
    expect(await read(decoded.inside[0] as DataFile)).toBe('deep');
  });

  test('keeps odd names, and attempts that are repeated do not meet', async () => {
    const { kernel, folder } = run;
    const tries = join(folder, 'tries');
    const flaky = app(
      async (tries: string, io: Io) => {
        const { appendFile, readFile, writeFile } = await import('node:fs/promises');
        await appendFile(tries, 'x');
        await writeFile(io.outputs[0]?.path as string, io.outputs[0]?.filename as string);
        if ((await readFile(tries, 'utf8')).length < 3) throw new Error('not yet');
      },
      { name: 'flaky', kernel, io: true, retries: 2 },
    );
    const { read } = makeApps();
    const names = ["it's a b.txt", 'ünï.txt', '%2e%2e', 'x'.repeat(300)];
    for (const name of names) {
      await rm(tries, { force: true });
      const made = flaky(tries, { outputs: [`temp:odd/${name}`] });
      expect(await read(made.outputs[0])).toBe(decodeURIComponent(name));
      expect(kept().at(-1)).toMatch(/^\d+-3\//);
      made.outputs[0].release();
    }
  });
});

test('is kept and found also where a run says that none but others move its files', async () => {
  const only = [httpStaging({ match: 'https://data.example.org/' })];
  await using other = await temporaryRun({ asDefault: false, storageAccess: { only } });
  const options = { kernel: other.kernel };
  const write = bash((io) => io.sh`echo x > ${io.outputs[0]}`, { name: 'write', ...options });
  const read = bash((io) => io.sh`test -f ${io.inputs[0]}`, { name: 'read', ...options });
  expect(await read({ inputs: [write({ outputs: ['temp:a'] }).outputs[0]] })).toBe(0);
});

describe('calls that can never work', () => {
  test('a name that no task makes, that is made twice, or that is none', async () => {
    const { write, read, log } = makeApps();
    expect(thrownBy(() => read(file('temp:nobody')))).toMatchObject({ code: 'NOT_FOUND', class: 'usage' });
    const first = write('1', log, { outputs: ['temp:one'] });
    const twice = thrownBy<SluiceError>(() => write('2', log, { outputs: ['temp:one'] }));
    expect(twice).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(twice.message).toContain(`task ${first.taskId} 'write' makes it`);
    for (const outputs of [
      ['temp:x', 'temp:x'],
      ['temp:'],
      ['temp:/x'],
      ['temp:a/../x'],
      ['temp:a//x'],
      ['temp:a?b'],
    ]) {
      expect(thrownBy(() => write('3', log, { outputs }))).toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    const stream = thrownBy(() => bash((_: Io) => 'true', { kernel: run.kernel })({ stdout: 'temp:log' }));
    expect(stream).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await read(first.outputs[0])).toBe('1');
  });

  test('what failed, or was cancelled, may be made by another call', async () => {
    const { write, read, log } = makeApps();
    const fail = app((_: Io) => Promise.reject(new Error('no')), { name: 'fail', kernel: run.kernel, io: true });
    const failed = fail({ outputs: ['temp:once'] });
    const dependent = read(failed.outputs[0]);
    expect(await failureOf(dependent)).toMatchObject({ code: 'DEPENDENCY' });
    expect(thrownBy(() => read(file('temp:once')))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(read(failed.outputs[0]))).toMatchObject({ code: 'DEPENDENCY' });
    expect(await read(write('again', log, { outputs: ['temp:once'] }).outputs[0])).toBe('again');
  });

  test('what was released, or freed', async () => {
    const { write, read, log } = makeApps();
    const released = write('r', log, { outputs: ['temp:released'] }).outputs[0];
    const reader = read(released);
    released.release();
    expect(await reader).toBe('r');
    const error = thrownBy<SluiceError>(() => read(released));
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toMatch(/released/);
    await write('f', log, { outputs: ['temp:freed'] });
    await collectGarbage();
    await vi.waitFor(() => expect(kept()).toEqual([]));
    expect(thrownBy<SluiceError>(() => read(file('temp:freed'))).message).toMatch(/freed/);
  });

  test('an output that is not written', async () => {
    const nothing = app((_: Io) => 1, { name: 'nothing', kernel: run.kernel, io: true });
    expect(await failureOf(nothing({ outputs: ['temp:nothing'] }).outputs[0])).toMatchObject({
      code: 'MISSING_OUTPUT',
    });
  });
});

describe('a file is removed', () => {
  test('after its last reader, when nothing is left by which to ask for it', async () => {
    const { write, double, read, log } = makeApps();
    const chain = (): [DataFuture, Promise<string>] => {
      const a = write('x', log, { outputs: ['temp:a'] });
      const b = double(a.outputs[0], log, { outputs: ['temp:b'] });
      return [b.outputs[0], Promise.resolve(read(a.outputs[0]))];
    };
    const [b, read1] = chain();
    expect(await read1).toBe('x');
    await b;
    expect(kept()).toHaveLength(2);
    await collectGarbage();
    await vi.waitFor(() => expect(kept()).toEqual([expect.stringMatching(/^1-1\/\w+\/b$/)]));
    expect(await read(b)).toBe('xx');
  });

  test('as long as a DataFile of it is left, it stays', async () => {
    const { write, read, log } = makeApps();
    const made = await write('kept', log, { outputs: ['temp:a'] }).outputs[0];
    await collectGarbage();
    expect(await read(made)).toBe('kept');
    expect(kept()).toHaveLength(1);
  });

  test('when its only reader is cancelled', async () => {
    const { write, log } = makeApps();
    const never = app((_: DataFile, __: unknown) => 1, { name: 'never', kernel: run.kernel });
    const start = () => never(write('x', log, { outputs: ['temp:a'] }).outputs[0], new Promise(() => {}));
    const waiting = start();
    await vi.waitFor(() => expect(kept()).toHaveLength(1));
    await collectGarbage();
    expect(kept()).toHaveLength(1);
    waiting.cancel();
    await run.kernel.waitForAll();
    await collectGarbage();
    await vi.waitFor(() => expect(kept()).toEqual([]));
  });

  test('by the close, whatever is left', async () => {
    const { write, double, log } = makeApps();
    const made = write('x', log, { outputs: ['temp:a'] });
    await double(made.outputs[0], log, { outputs: ['temp:b'] });
    expect(kept()).toHaveLength(2);
    await run.kernel.close();
    expect(existsSync(join(run.kernel.runDir, 'temp'))).toBe(false);
    expect((await made.outputs[0]).url).toBe('temp:a');
  });
});

describe('a file that is lost', () => {
  const recoveries = () => events.filter((event) => event.kind === 'taskRecovery');

  test('is made again once, however many tasks find it lost', async () => {
    const { write, read, log, runs } = makeApps();
    const a = write('x', log, { outputs: ['temp:a'] });
    await a;
    await rm(pathOf(kept()[0] as string));
    expect(await Promise.all([1, 2, 3].map(() => read(a.outputs[0])))).toEqual(['x', 'x', 'x']);
    expect(await runs()).toEqual(['write x', 'write x']);
    expect(recoveries()).toEqual([
      { kind: 'taskRecovery', atMs: expect.any(Number), taskId: 4, app: 'write', of: 0, file: 'temp:a' },
    ]);
    expect(kept()).toEqual([expect.stringMatching(/^4-1\//)]);
  });

  test('is made again from what it was made of, freed or lost as that may be', async () => {
    const { write, double, read, log, runs } = makeApps();
    const start = () => {
      const a = write('x', log, { outputs: ['temp:a'] });
      const b = double(a.outputs[0], log, { outputs: ['temp:b'] });
      return double(b.outputs[0], log, { outputs: ['temp:c'] }).outputs[0];
    };
    const c = start();
    await c;
    await collectGarbage();
    await vi.waitFor(() => expect(kept()).toHaveLength(1));
    await rm(join(run.kernel.runDir, 'temp'), { recursive: true });
    expect(await read(c)).toBe('xxxx');
    expect(await runs()).toEqual(['write x', 'double x', 'double xx', 'write x', 'double x', 'double xx']);
    await vi.waitFor(() => expect(kept()).toEqual([expect.stringMatching(/\/c$/)]));
  });

  test('is made again though the signal of its call has aborted since', async () => {
    const { write, read, log, runs } = makeApps();
    const stop = new AbortController();
    const a = write('x', log, { outputs: ['temp:a'], signal: stop.signal });
    await a;
    stop.abort();
    await rm(pathOf(kept()[0] as string));
    expect(await read(a.outputs[0])).toBe('x');
    expect(await runs()).toHaveLength(2);
  });

  test('several inputs of one task are lost at once, and cost one attempt', async () => {
    const { write, log, runs } = makeApps();
    const makers = Array.from({ length: 12 }, (_, index) => write(`${index}`, log, { outputs: [`temp:${index}`] }));
    await Promise.all(makers);
    await rm(join(run.kernel.runDir, 'temp'), { recursive: true });
    const join_ = bash((io) => io.sh`cat ${io.inputs}`, { name: 'join', kernel: run.kernel });
    const out = join(run.folder, 'out');
    await join_({ inputs: makers.map((maker) => maker.outputs[0]), stdout: out });
    expect(await readFile(out, 'utf8')).toBe('01234567891011');
    expect(await runs()).toHaveLength(24);
    const attempts = events.filter((event) => event.kind === 'attemptStarted' && event.app === 'join');
    expect(attempts).toHaveLength(2);
  });

  test('cannot be made again: the task that needs it says why', async () => {
    const { read } = makeApps();
    const once = app(
      async (mark: string, io: Io) => {
        const { writeFile } = await import('node:fs/promises');
        await writeFile(mark, 'x', { flag: 'wx' });
        await writeFile(io.outputs[0]?.path as string, 'once');
      },
      { name: 'once', kernel: run.kernel, io: true },
    );
    const made = once(join(run.folder, 'mark'), { outputs: ['temp:a'] });
    await made;
    await rm(pathOf(kept()[0] as string));
    const error = await failureOf<InputLostError>(read(made.outputs[0]));
    expect(error).toBeInstanceOf(InputLostError);
    expect(error).toMatchObject({ code: 'INPUT_LOST', class: 'usage', urls: ['temp:a'] });
    expect(error.message).toMatch(/temp:a was lost, and task 0 'once', which makes it, failed when it was run again/);
    expect((error.cause as NodeJS.ErrnoException).code).toBe('EEXIST');
    expect(run.kernel.summary()).not.toContain('nobody looked at');
  });

  test('is made again ten times at most', async () => {
    const { write, log, runs } = makeApps();
    const removing = app(
      async (text: DataFile) => {
        const { readFile, rm } = await import('node:fs/promises');
        const found = await readFile(text.path, 'utf8');
        await rm(text.path);
        return found;
      },
      { name: 'removing', kernel: run.kernel },
    );
    const made = write('x', log, { outputs: ['temp:a'] });
    for (let round = 0; round < 11; round++) expect(await removing(made.outputs[0])).toBe('x');
    expect(await runs()).toHaveLength(11);
    const error = await failureOf<InputLostError>(removing(made.outputs[0]));
    expect(error.message).toMatch(/run again 10 times already/);
  });

  test('a task that waits for it to be made again can be cancelled', async () => {
    const { kernel, folder } = run;
    const gate = join(folder, 'gate');
    const gated = app(
      async (gate: string, io: Io) => {
        const { access, writeFile } = await import('node:fs/promises');
        const { setTimeout } = await import('node:timers/promises');
        while (
          !(await access(gate).then(
            () => true,
            () => false,
          ))
        )
          await setTimeout(5);
        await writeFile(io.outputs[0]?.path as string, 'x');
      },
      { name: 'gated', kernel, io: true },
    );
    const { read } = makeApps();
    await writeFile(gate, '');
    const made = gated(gate, { outputs: ['temp:a'] });
    await made;
    await rm(pathOf(kept()[0] as string));
    await rm(gate);
    const reader = read(made.outputs[0]);
    await vi.waitFor(() => expect(recoveries()).toHaveLength(1));
    reader.cancel('enough');
    expect(await failureOf(reader)).toMatchObject({ code: 'CANCELLED' });
    await appendFile(gate, '');
    await kernel.waitForAll();
    expect(await read(made.outputs[0])).toBe('x');
  });
});

describe('joins', () => {
  test('pass what they are to make on to an app, on each attempt of their body', async () => {
    const { write, read, log } = makeApps();
    let bodies = 0;
    const both = joinApp(
      (io) => {
        bodies += 1;
        const made = write(`body ${bodies}`, log, { outputs: [io.outputs[0] as DataFile, 'temp:beside'] });
        if (bodies === 1) throw new Error('not yet');
        return [made, read(io.outputs[0] as DataFile), read(file('temp:beside'))];
      },
      { name: 'both', kernel: run.kernel, retries: 1 },
    );
    const joined = both({ outputs: ['temp:joined too'] });
    expect(await joined).toEqual([undefined, 'body 2', 'body 2']);
    expect(await read(joined.outputs[0])).toBe('body 2');
  });

  test('of a call in an earlier attempt of their body nothing is taken', async () => {
    const { read } = makeApps();
    const gate = join(run.folder, 'gate');
    const write = app(
      async (text: string, gate: string, io: Io) => {
        const { access, writeFile } = await import('node:fs/promises');
        const { setTimeout } = await import('node:timers/promises');
        const isOpen = () =>
          access(gate).then(
            () => true,
            () => false,
          );
        while (text === 'first' && !(await isOpen())) await setTimeout(5);
        await writeFile(io.outputs[0]?.path as string, text);
      },
      { name: 'gated', kernel: run.kernel, io: true },
    );
    let bodies = 0;
    const outer = joinApp(
      (io) => {
        bodies += 1;
        const made = write(bodies === 1 ? 'first' : 'second', gate, { outputs: [io.outputs[0] as DataFile] });
        if (bodies === 1) throw new Error('not yet');
        return made;
      },
      { name: 'outer', kernel: run.kernel, retries: 1 },
    );
    const made = outer({ outputs: ['temp:a'] });
    await made;
    await writeFile(gate, '');
    await run.kernel.waitForAll();
    expect(await read(made.outputs[0])).toBe('second');
    await vi.waitFor(() => expect(kept()).toHaveLength(1));
  });

  test('that make nothing of it, or read it first, are told', async () => {
    const { read } = makeApps();
    const lazy = joinApp((_io) => 1, { name: 'lazy', kernel: run.kernel });
    const nothing = lazy({ outputs: ['temp:never'] });
    expect(await failureOf(read(nothing.outputs[0]))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(read(nothing.outputs[0]))).toMatchObject({ code: 'NOT_FOUND' });
    const early = joinApp((io) => read(io.outputs[0] as DataFile), { name: 'early', kernel: run.kernel });
    const error = await failureOf<SluiceError>(early({ outputs: ['temp:early'] }));
    expect(error.message).toMatch(/this join is to make: call the app that makes it first/);
  });
});
