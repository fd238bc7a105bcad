import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { app, bash, type Io, ThreadPoolExecutor } from 'sluice';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TemporaryRun, temporaryRun } from '../fixtures/kernel/temporary-run.js';

const MIB = 1024 * 1024;
const OUTPUT_MIB = 200;
// Chunks on their way are garbage until it is collected; kept, the output would be twice as much.
const GROWTH_MIB = 100;

let run: TemporaryRun;
beforeEach(async () => {
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false, retries: 1 });
});
afterEach(() => run[Symbol.asyncDispose]());

const place = (name: string): string => `${run.folder}/${name}`;
const text = (name: string): string => readFileSync(place(name), 'utf8');

/** By how much this process, its threads included, grows at most while `work` is under way. */
async function peakGrowthMiB(work: () => PromiseLike<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 5);
  await Promise.resolve(work()).finally(() => clearInterval(timer));
  look();
  return (peak - before) / MIB;
}

describe(`${OUTPUT_MIB} MiB on either stream leave the worker's memory as it is`, () => {
  const flood = (mib: number, code: number, _io: Io): string =>
    `head -c ${mib}M /dev/zero & head -c ${mib}M /dev/zero >&2; wait; exit ${code}`;
  // A line at a time, without ever yielding: nothing that waits for its turn could be written meanwhile.
  const speak = (mib: number): void => {
    const line = 'x'.repeat(65_535);
    for (let written = 0; written < mib * 16; written++) {
      console.log(line);
      process.stderr.write(`${line}\n`);
    }
  };

  test.each(['files', 'nowhere'] as const)('of a command, to %s', async (where) => {
    const flooding = bash(flood, { name: 'flooding', kernel: run.kernel });
    const streams = where === 'files' ? { stdout: place('out'), stderr: place('err') } : {};
    await flooding(1, 0, streams);
    expect(await peakGrowthMiB(() => flooding(OUTPUT_MIB, 0, streams))).toBeLessThan(GROWTH_MIB);
    if (where === 'nowhere') return;
    for (const name of ['out', 'err']) expect((await stat(place(name))).size).toBe(OUTPUT_MIB * MIB);
  });

  test('of a command that fails by it: the error has the last 4 KiB', async () => {
    const flooding = bash(flood, { name: 'flooding', kernel: run.kernel });
    await flooding(1, 0);
    const failed = () => expect(flooding(OUTPUT_MIB, 7)).rejects.toMatchObject({ exitCode: 7 });
    expect(await peakGrowthMiB(failed)).toBeLessThan(GROWTH_MIB);
    await expect(flooding(1, 7)).rejects.toMatchObject({ stderrTail: '\0'.repeat(4096) });
  });

  test('of a function', async () => {
    const speaking = app(speak, { name: 'speaking', kernel: run.kernel });
    const streams = { stdout: place('out'), stderr: place('err') };
    await speaking.with(streams)(1);
    expect(await peakGrowthMiB(() => speaking.with(streams)(OUTPUT_MIB))).toBeLessThan(GROWTH_MIB);
    for (const name of ['out', 'err']) expect((await stat(place(name))).size).toBe(OUTPUT_MIB * MIB);
  });
});

describe('streams of a function, on threads', () => {
  const talking = () => app((word: string) => console.log(word), { name: 'talking', kernel: run.kernel });

  test('AUTO names a file below tasks/ after the task, the app and the label', async () => {
    const future = talking().with({ stdout: 'AUTO', stderr: 'AUTO', label: 'try' })('hello');
    await future;
    const base = `${run.kernel.runDir}/tasks/0000/task_${String(future.taskId).padStart(4, '0')}_talking_try`;
    expect([readFileSync(`${base}.stdout`, 'utf8'), readFileSync(`${base}.stderr`, 'utf8')]).toEqual(['hello\n', '']);
  });

  test('each task has what its own code said, also from a worker that ran others', async () => {
    await Promise.all(['a', 'b', 'c'].map((word) => talking().with({ stdout: place(word) })(word)));
    expect(['a', 'b', 'c'].map(text)).toEqual(['a\n', 'b\n', 'c\n']);
  });

  const failing = () =>
    app(
      (io: Io) => {
        console.log(`attempt ${io.attempt}`);
        throw new Error('every time');
      },
      { io: true, name: 'failing', kernel: run.kernel },
    );

  test('a file that is replaced has the last attempt’s output, one that is appended to has every attempt’s', async () => {
    await expect(failing()({ stdout: place('replaced') })).rejects.toThrow('every time');
    expect(text('replaced')).toBe('attempt 2\n');
    for (let call = 0; call < 2; call++) {
      await expect(failing()({ stdout: { file: place('appended'), append: true } })).rejects.toThrow('every time');
    }
    expect(text('appended')).toBe('attempt 1\nattempt 2\nattempt 1\nattempt 2\n');
  });

  test('what is appended is there even when the thread had to be ended', async () => {
    const endless = app(
      () => {
        console.log('so far');
        for (;;);
      },
      { name: 'endless', kernel: run.kernel },
    );
    const streams = { stdout: { file: place('endless'), append: true }, walltimeMs: 500 };
    await expect(endless.with(streams)()).rejects.toMatchObject({ code: 'WALLTIME' });
    expect(text('endless')).toMatch(/^(so far\n){1,2}$/);
  });
});
