import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configFor } from '../../../examples/parallel-patterns/config.js';
import * as patterns from '../../../examples/parallel-patterns/patterns.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

describe.each(['threads', 'htex'] as const)('the patterns of parallel workflows on %s', (executor) => {
  let run: TemporaryRun;
  beforeAll(async () => {
    run = await temporaryRun(configFor(executor));
  });
  afterAll(() => run?.[Symbol.asyncDispose]());

  test('a bag of tasks gives every result in its place', async () => {
    expect(await patterns.bagOfTasks()).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  test('in a sequence, a value and then a file go from task to task', async () => {
    const text = await patterns.sequential(join(run.folder, 'output.txt'));
    expect(text).toMatch(/^\d+\n$/);
    expect(Number(text)).toBeGreaterThanOrEqual(1);
    expect(Number(text)).toBeLessThanOrEqual(10);
  });

  test('one app over many items gives results in their order', async () => {
    expect(await patterns.parallel()).toEqual([1, 4, 9, 16, 25, 36, 49, 64]);
  });

  test('a dataflow over files adds up', async () => {
    const { numbers, total } = await patterns.parallelDataflow(run.folder);
    expect(numbers).toHaveLength(4);
    for (const number of numbers) expect(number).toBeGreaterThanOrEqual(1);
    expect(total).toBe(numbers.reduce((a, b) => a + b, 0));
  });

  test('hello files become one, in the order of the inputs', async () => {
    expect(await patterns.helloFiles(run.folder)).toBe('Hello World\nHello Clouds\nHello Clusters\n');
  });

  test('x and y are doubled side by side, and z after both', async () => {
    const waitMs = 1_500;
    const { doubled, tookMs } = await patterns.doubledXAndY(waitMs);
    expect(doubled).toBe(20);
    expect(tookMs).toBeGreaterThanOrEqual(2 * waitMs - 10);
    expect(tookMs).toBeLessThan(3 * waitMs);
  });
});

describe('the script that shows them', () => {
  const script = fileURLToPath(new URL('../../../examples/parallel-patterns.ts', import.meta.url));
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-patterns-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  function runScript(args: readonly string[]): Promise<{ exitCode: unknown; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const options = { cwd: directory, timeout: 60_000 };
      execFile(process.execPath, ['--import', tsx, script, ...args], options, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }),
      );
    });
  }

  test('runs as it stands, one pattern after the other', { timeout: 90_000 }, async () => {
    const { exitCode, stdout, stderr } = await runScript([]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[0]).toBe('bag of tasks        0 2 4 6 8 10 12 14 16 18');
    expect(lines[1]).toMatch(/^sequential {10}\d+$/);
    expect(lines[2]).toBe('parallel            1 4 9 16 25 36 49 64');
    expect(lines[3]).toMatch(/^parallel dataflow {3}\d+ \+ \d+ \+ \d+ \+ \d+ = \d+$/);
    expect(lines.slice(4, 7).map((line) => line.slice(20))).toEqual(['Hello World', 'Hello Clouds', 'Hello Clusters']);
    expect(lines[7]).toMatch(/^doubled x and y {5}20, after \d\.\d s for three tasks of a second$/);
    expect(await readdir(directory)).toEqual(['sluice-runs']);
  });

  test('says which executors there are', async () => {
    const { exitCode, stdout, stderr } = await runScript(['--executor', 'cluster']);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toBe('parallel-patterns: --executor is threads or htex, not "cluster" (see --help)\n');
  });
});
