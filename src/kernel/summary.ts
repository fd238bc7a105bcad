import { messageOf } from '../errors.js';
import type { AppStats, RunStats } from './run-stats.js';
import type { UnseenFailure } from './unseen-failures.js';

/** What a summary tells of. */
export interface RunFacts {
  readonly runId: string;
  readonly stats: RunStats;
  /** Failures that nobody has looked at. */
  readonly unseen: { readonly count: number; readonly first: readonly UnseenFailure[] };
}

/** What has become of a run, in a few lines that end with a line feed: tasks by state and by app, then what was missed. */
export function summarize({ runId, stats, unseen }: RunFacts): string {
  const apps = Object.entries(stats.byApp).map(([app, counts]) => `  ${app}: ${tasksOf(counts)}`);
  const lines = [`run ${runId}: ${statesOf(stats)}`, ...apps, ...missed(unseen)];
  return `${lines.join('\n')}\n`;
}

function statesOf({ byStatus }: RunStats): string {
  const present = Object.entries(byStatus).filter(([, count]) => count > 0);
  const total = present.reduce((sum, [, count]) => sum + count, 0);
  const states = present.map(([status, count]) => `${count} ${status}`).join(', ');
  return total === 0 ? 'no tasks' : `${tasks(total)}: ${states}`;
}

function tasksOf({ total, done, failed }: Readonly<AppStats>): string {
  return failed === 0 ? `${done} of ${total} done` : `${done} of ${total} done, ${failed} failed or cancelled`;
}

function missed({ count, first }: RunFacts['unseen']): string[] {
  if (count === 0) return [];
  const more = count - first.length;
  const head = count === 1 ? '1 failure that nobody looked at:' : `${count} failures that nobody looked at:`;
  return [head, ...first.flatMap(failureLines), ...(more > 0 ? [`  and ${more} more`] : [])];
}

function failureLines({ taskId, appName, error, attempts, executor, logs }: UnseenFailure): string[] {
  const name = error instanceof Error ? `${error.name}: ` : '';
  const [firstLine = ''] = messageOf(error).split('\n');
  const where = executor === undefined ? 'in the client' : `on '${executor}'`;
  const place = attempts === 0 ? 'it was not run' : `attempt ${attempts} ${where}`;
  return [`  ${name}${firstLine}`, `    task ${taskId} '${appName}', ${place}`, ...logs.map((log) => `    ${log}`)];
}

function tasks(count: number): string {
  return count === 1 ? '1 task' : `${count} tasks`;
}
