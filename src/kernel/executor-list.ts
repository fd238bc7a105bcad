import { SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';

/** @throws {SluiceError} `DUPLICATE_LABEL` naming every label that more than one executor has */
export function refuseRepeatedLabels(executors: readonly Executor[]): void {
  const labels = executors.map((executor) => executor.label);
  const repeated = [...new Set(labels.filter((label, index) => labels.indexOf(label) !== index))];
  if (repeated.length === 0) return;
  const names = repeated.map((label) => `'${label}'`).join(', ');
  throw new SluiceError(
    'DUPLICATE_LABEL',
    `more than one executor has the label ${names}: apps choose by it, so give each its own`,
  );
}
