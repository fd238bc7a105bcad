import { readFile, writeFile } from 'node:fs/promises';
import {
  BashExitError,
  bash,
  type Command,
  type DataFile,
  type DataFlowKernel,
  type Io,
  type SluiceError,
  ThreadPoolExecutor,
} from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { whenGone } from '../../fixtures/kernel/is-running.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 2 })], retries: 1 });
  kernel = run.kernel;
});
afterAll(() => run[Symbol.asyncDispose]());

const path = (name: string): string => `${run.folder}/${name}`;
const text = (name: string): Promise<string> => readFile(path(name), 'utf8');
const given = bash((command: string, _io: Io) => command, { name: 'given' });

describe('the command', () => {
  test('a plain string and one made by io.sh run under bash, and give 0', async () => {
    expect(await given('[[ $BASH_VERSION && $0 == /bin/bash ]]')).toBe(0);
    expect(await bash((io) => io.sh`true`, { name: 'quoted' })()).toBe(0);
    expect(await bash(async (io) => io.sh`test ${'a b'} = ${'a b'}`, { name: 'async' })()).toBe(0);
  });

  test('strings reach it exactly as they are', async () => {
    const strings = ["it's", '$(id) `id` $HOME', 'two\nlines\ttab', '', '*', '\u{1F600}', '"', '\\', '-n'];
    const print = bash((words: string[], io: Io) => io.sh`printf '%s\\0' ${words} > ${io.outputs[0]}`, {
      name: 'print',
    });
    const future = print(strings, { outputs: [path('strings')] });
    await future;
    expect((await text('strings')).split('\0').slice(0, -1)).toEqual(strings);
  });

  test('a command of many lines runs whole', async () => {
    const lines = bash(
      (io) => io.sh`
        set -e
        for word in one two; do
          echo "$word"
        done > ${io.outputs[0]}
        cat <<'END' >> ${io.outputs[0]}
three
END
      `,
      { name: 'lines' },
    );
    await lines({ outputs: [path('lines')] });
    expect(await text('lines')).toBe('one\ntwo\nthree\n');
  });

  test('a command longer than an argument of a process may be runs too', async () => {
    const words = bash(
      (count: number, io: Io) => io.sh`printf '%s' ${Array(count).fill('0123456789')} > ${io.outputs[0]}`,
      {
        name: 'long',
      },
    );
    await words(20_000, { outputs: [path('long')] });
    expect((await text('long')).length).toBe(200_000);
  });

  test('its working directory is the scratch folder, and its input is empty', async () => {
    expect(await bash((io) => io.sh`test "$PWD" = ${io.scratch} && test -z "$(cat)"`, { name: 'where' })()).toBe(0);
  });

  test('it finds its attempt in the environment', async () => {
    const marked = bash(
      (runId: string, io: Io) => io.sh`test "$SLUICE_ATTEMPT" = ${runId}-${io.taskId}-${io.attempt}`,
      {
        name: 'marked',
      },
    );
    expect(await marked(kernel.runId)).toBe(0);
  });

  test.each([undefined, null, 5, ['true']])('returning %j is no command', async (returned) => {
    const error = await failureOf<SluiceError>(
      bash((value: unknown, _io: Io) => value as Command, { name: 'returns' })(returned),
    );
    expect(error).toMatchObject({ code: 'BASH_NO_COMMAND', class: 'app' });
    expect(error.message).toContain("bash app 'returns' returned");
  });

  test('interpolating undefined is an error of the app, and nothing runs', async () => {
    const careless = bash((target: { path?: string }, io: Io) => io.sh`touch ${target.path}`, { name: 'careless' });
    await expect(careless({})).rejects.toThrow('io.sh: value 1, after "touch ", is undefined');
  });
});

describe('how it ends', () => {
  test.each([1, 15, 126, 127])('exit code %i is in the error, and the app in its message', async (code) => {
    const error = await failureOf<BashExitError>(given(`echo first >&2; echo last word >&2; exit ${code}`));
    expect(error).toBeInstanceOf(BashExitError);
    expect(error).toMatchObject({ code: 'BASH_EXIT', exitCode: code, stderrTail: 'first\nlast word\n' });
    expect(error.message).toBe(`bash app 'given' ended with exit code ${code}: last word`);
  });

  test('a command that does not exist says so', async () => {
    const error = await failureOf<BashExitError>(given('no-such-command-here'));
    expect(error.exitCode).toBe(127);
    expect(error.message).toContain('no-such-command-here');
  });

  test('a command ended by a signal has 128 and its number', async () => {
    expect(await failureOf(given('kill -KILL $$'))).toMatchObject({ exitCode: 137 });
    expect(await failureOf(given('kill -TERM $$'))).toMatchObject({ exitCode: 143 });
  });

  test('a failure anywhere in a pipe is a failure', async () => {
    expect(await failureOf(given('false | cat'))).toMatchObject({ exitCode: 1 });
  });

  test('only the last 4 KiB of stderr are kept', async () => {
    const error = await failureOf<BashExitError>(
      given('head -c 100000 /dev/zero | tr "\\0" x >&2; echo end >&2; exit 1'),
    );
    expect(error.stderrTail).toHaveLength(4096);
    expect(error.stderrTail.endsWith('xxend\n')).toBe(true);
  });

  test('the command is over when its shell is, and what it left running is ended', async () => {
    const background = bash((io) => io.sh`sleep 300 & echo $! > ${io.outputs[0]}`, { name: 'background' });
    const startedMs = performance.now();
    expect(await background({ outputs: [path('background')], stdout: 'AUTO', stderr: 'AUTO' })).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await whenGone([Number(await text('background'))]);
  });

  test('a process that left its group cannot keep the command from ending', async () => {
    const daemon = bash(
      (io) =>
        io.sh`setsid bash -c 'echo $$ > "$0"; exec sleep 20' ${io.outputs[0]} & until test -s ${io.outputs[0]}; do sleep 0.01; done; echo said`,
      { name: 'daemon' },
    );
    const startedMs = performance.now();
    await daemon({ outputs: [path('daemon')], stdout: path('daemon-said'), stderr: 'AUTO' });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    process.kill(Number(await text('daemon')));
    expect(await text('daemon-said')).toBe('said\n');
  });
});

describe('streams', () => {
  const both = bash((code: number, io: Io) => io.sh`echo out ${io.attempt}; echo err ${io.attempt} >&2; exit ${code}`, {
    name: 'both/streams',
  });

  test('they go to the files the call names', async () => {
    await both(0, { stdout: path('deep/er/out'), stderr: path('err') });
    expect([await text('deep/er/out'), await text('err')]).toEqual(['out 1\n', 'err 1\n']);
  });

  test('they are there also when the command fails, as its last attempt wrote them', async () => {
    await writeFile(path('failed-out'), 'from an earlier run');
    await failureOf(both(3, { stdout: path('failed-out'), stderr: path('failed-err') }));
    expect([await text('failed-out'), await text('failed-err')]).toEqual(['out 2\n', 'err 2\n']);
  });

  test('both may go to one file', async () => {
    await both(0, { stdout: path('one'), stderr: path('one') });
    expect((await text('one')).split('\n').sort()).toEqual(['', 'err 1', 'out 1']);
  });

  test('AUTO names a file below tasks/ after the task, the app and the label', async () => {
    const future = both(0, { stdout: 'AUTO', stderr: 'AUTO', label: 'try 1' });
    await future;
    const number = String(future.taskId).padStart(4, '0');
    const base = `${kernel.runDir}/tasks/0000/task_${number}_both-streams_try-1`;
    expect(await readFile(`${base}.stdout`, 'utf8')).toBe('out 1\n');
    expect(await readFile(`${base}.stderr`, 'utf8')).toBe('err 1\n');
  });

  test('a walltime keeps what was written until then', async () => {
    const future = given('echo so far; sleep 60', { walltimeMs: 300, stdout: path('so-far') });
    await expect(future).rejects.toMatchObject({ code: 'WALLTIME' });
    expect(await text('so-far')).toBe('so far\n');
  });

  test('one that cannot be written fails the task, with the path', async () => {
    await writeFile(path('a-file'), '');
    const error = await failureOf<SluiceError>(given('true', { stdout: path('a-file/below') }));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', class: 'usage' });
    expect(error.message).toContain(path('a-file'));
  });

  test('the app knows where they go', async () => {
    const knows = bash((io) => io.sh`test -n ${String(io.stdout)} && test ${typeof io.stderr} = undefined`, {
      name: 'knows',
    });
    expect(await knows({ stdout: path('knows') })).toBe(0);
  });
});

describe('files', () => {
  test('an output that was not written is named, with where it should have been', async () => {
    const error = await failureOf<SluiceError>(given('true', { outputs: [path('never')] }));
    expect(error).toMatchObject({ code: 'MISSING_OUTPUT', class: 'app' });
    expect(error.message).toContain(`file://${path('never')}`);
  });

  test('an output of a failed command does not appear', async () => {
    const half = bash((io) => io.sh`echo half > ${io.outputs[0]}; exit 1`, { name: 'half' });
    await failureOf(half({ outputs: [path('half')] }));
    await expect(text('half')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('inputs, arguments and outputs are paths in the command', async () => {
    await writeFile(path('in one'), 'one ');
    await writeFile(path('in two'), 'two');
    const concat = bash((first: DataFile, io: Io) => io.sh`cat ${first} ${io.inputs} > ${io.outputs[0]}`, {
      name: 'concat',
    });
    const { file } = await import('sluice');
    await concat(file(path('in one')), { inputs: [path('in two')], outputs: [path('out')] });
    expect(await text('out')).toBe('one two');
  });
});
