import { expect } from 'vitest';
import type { ReportRow } from '../../../examples/s3-pipeline/report-rows.js';

/** The report rounds its mean to two decimals and its share of late flights to one; everything else is exact. */
export function expectSameReport(actual: readonly ReportRow[], expected: readonly ReportRow[]): void {
  expect(actual.map(exactPart)).toEqual(expected.map(exactPart));
  actual.forEach((row, index) => {
    expect(Math.abs(row.mean - (expected[index]?.mean ?? Number.NaN))).toBeLessThanOrEqual(0.005 + 1e-9);
    expect(Math.abs(row.latePercent - (expected[index]?.latePercent ?? Number.NaN))).toBeLessThanOrEqual(0.05 + 1e-9);
  });
}

function exactPart({ mean: _mean, latePercent: _latePercent, ...exact }: ReportRow): object {
  return exact;
}
