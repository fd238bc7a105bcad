import { expect, test } from 'vitest';
import { bucketRun } from '../fixtures/htex/bucket-run.js';
import { htexRun } from '../fixtures/htex/htex-run.js';
import { keysIn, startBucketCloud } from '../integration/bucket-cloud.js';
import { runChaos } from '../integration/htex-chaos.js';

const LONG_MS = 900_000;

test(
  '5,000 tasks come through while workers, managers and blocks are killed every 200 ms',
  async () => {
    const report = await runChaos(5_000, ({ options, provider, config }) => htexRun(options, provider, config));
    expect(report).toMatchObject({ wrong: [], left: [] });
    expect(report.kills).toBeGreaterThan(50);
    expect(report.attempts).toBeGreaterThan(5_000);
  },
  LONG_MS,
);

test(
  'and 2,000 whose workers see nothing of the client’s disk, through a bucket that is empty afterwards',
  async () => {
    const cloud = await startBucketCloud();
    try {
      const report = await runChaos(2_000, ({ options, provider, config }) => bucketRun(options, provider, config));
      expect(report).toMatchObject({ wrong: [], left: [] });
      expect(report.kills).toBeGreaterThan(20);
      expect(await keysIn(cloud.bucket)).toEqual([]);
    } finally {
      await cloud.close();
    }
  },
  LONG_MS,
);
