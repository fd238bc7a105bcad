import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file } from 'sluice';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { flightsPath } from '../../../examples/s3-pipeline/flights.js';
import { readReport } from '../../../examples/s3-pipeline/report-rows.js';
import { straightReport } from '../../../examples/s3-pipeline/straight.js';
import { expectSameReport } from './expect-same-report.js';
import { runExample } from './run-example.js';

describe('the S3 pipeline, run as it stands', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-pipeline-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('accounts for every flight, with the numbers of a straight computation', { timeout: 120_000 }, async () => {
    const { exitCode, stdout, stderr } = await runExample('s3-pipeline', ['--shards', '6'], directory);
    expect(stderr).toMatch(/aggregate 6\/6 .*page 1\/1/);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('231,083 of 231,083 flights accounted for');
    // 6 shards, merged 4 + 2, then both; one table.
    expect(stdout).toMatch(/^lambda +10 +10 /m);
    expect(stdout).toMatch(/Lambda would charge \$0\.\d{6} \(10 requests, \d+\.\d\d GB-seconds\)/);
    const flights = JSON.parse(await readFile(flightsPath(), 'utf8'));
    expectSameReport(await readReport(file(join(directory, 'report/flights.csv'))), straightReport(flights));
    expect(await readFile(join(directory, 'report/flights.html'), 'utf8')).toContain('231,083');
    expect((await readdir(directory)).sort()).toEqual(['report', 'sluice-runs']);
  });

  test('says what is wrong with its options, and ends with 1', async () => {
    const { exitCode, stdout, stderr } = await runExample('s3-pipeline', ['--shards', 'many', '--fast'], directory);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim()).toBe(
      's3-pipeline: there is no --fast; --shards needs a whole number, 1 to 1000 (see --help)',
    );
  });
});
