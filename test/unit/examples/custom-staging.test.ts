import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runExample } from './run-example.js';

describe('the script with a staging of its own, run as it stands', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-notes-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test.each(['threads', 'htex', 'lambda'])('reads and writes by it on %s', async (executor) => {
    const { exitCode, stdout, stderr } = await runExample('custom-staging', ['--executor', executor], directory);
    expect(stderr).toBe('');
    expect(stdout).toBe(`9 words, written and read on ${executor}: THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG\n`);
    expect(exitCode).toBe(0);
    expect(await readdir(directory)).toEqual(['sluice-runs']);
  });

  test('says which executors there are', async () => {
    const { exitCode, stderr } = await runExample('custom-staging', ['--executor', 'cluster'], directory);
    expect([exitCode, stderr]).toEqual([1, 'custom-staging: --executor is threads, htex, lambda, not "cluster"\n']);
  });
});
