/** What the REPORT line of an invocation's log says (AWS Lambda developer guide, "Understanding the log output"). */
export interface InvocationReport {
  readonly billedMs: number;
  readonly memorySizeMiB: number;
  readonly maxMemoryUsedMiB: number;
  /** Present on a cold start. */
  readonly initMs: number | undefined;
}

/** Reads the REPORT line of a log's tail; `undefined` when there is none. */
export function parseReport(logTail: string): InvocationReport | undefined {
  const line = logTail.split('\n').findLast((candidate) => candidate.startsWith('REPORT RequestId:'));
  if (line === undefined) return undefined;
  const field = (name: string): number | undefined => {
    const value = new RegExp(`(?:^|\\t| )${name}: ([\\d.]+) (?:ms|MB)`).exec(line)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const billedMs = field('Billed Duration');
  const memorySizeMiB = field('Memory Size');
  const maxMemoryUsedMiB = field('Max Memory Used');
  if (billedMs === undefined || memorySizeMiB === undefined || maxMemoryUsedMiB === undefined) return undefined;
  return { billedMs, memorySizeMiB, maxMemoryUsedMiB, initMs: field('Init Duration') };
}
