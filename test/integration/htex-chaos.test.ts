import { expect, test } from 'vitest';
import { htexRun } from '../fixtures/htex/htex-run.js';
import { runChaos } from './htex-chaos.js';

test('1,000 tasks come through while workers, managers and blocks are killed every 200 ms', async () => {
  const report = await runChaos(1_000, ({ options, provider, config }) => htexRun(options, provider, config));
  expect(report).toMatchObject({ wrong: [], left: [] });
  expect(report.kills).toBeGreaterThan(10);
  expect(report.attempts).toBeGreaterThan(1_000);
}, 300_000);
