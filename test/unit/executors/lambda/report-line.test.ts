import { describe, expect, test } from 'vitest';
import { parseReport } from '../../../../src/executors/lambda/report-line.js';

const ID = '8f5dd7a1-0000-4b5e-9a39-0123456789ab';
const WARM = `REPORT RequestId: ${ID}\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 1769 MB\tMax Memory Used: 93 MB\t`;

describe('parseReport', () => {
  test('reads what a warm invocation says', () => {
    expect(parseReport(`START RequestId: ${ID} Version: $LATEST\nhello\nEND RequestId: ${ID}\n${WARM}\n`)).toEqual({
      billedMs: 13,
      memorySizeMiB: 1769,
      maxMemoryUsedMiB: 93,
      initMs: undefined,
    });
  });

  test('reads Init Duration on a cold start', () => {
    expect(parseReport(`${WARM}Init Duration: 305.17 ms\t`)).toMatchObject({ initMs: 305.17, billedMs: 13 });
  });

  test('reads what a failed invocation says', () => {
    const line = `${WARM}Status: error\tError Type: Runtime.ExitError\t`;
    expect(parseReport(line)).toMatchObject({ maxMemoryUsedMiB: 93 });
  });

  test('takes the last line that looks like one: what came before is the user’s', () => {
    const faked = WARM.replaceAll('13 ms', '99999 ms');
    expect(parseReport(`${faked}\n${WARM}\n`)?.billedMs).toBe(13);
  });

  test.each([
    ['no log', ''],
    ['no report', `START RequestId: ${ID}\nhello\n`],
    ['a report cut short', WARM.slice(0, 60)],
    ['a report inside another line', `said: ${WARM}`],
  ])('%s is no report', (_, log) => {
    expect(parseReport(log)).toBeUndefined();
  });
});
