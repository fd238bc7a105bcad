import type { AttemptEnded, Monitor, TaskCreated, TaskStatusChanged } from '../monitoring/event.js';
import type { TaskStatus } from './task.js';

/** What one executor has done so far. */
export interface ExecutorStats {
  /** Attempts started. */
  attempts: number;
  /** Attempts that ended well. */
  tasks: number;
  /** Inputs that were in the cache of their node, or were being fetched there by another task. */
  cacheHits: number;
  /** Inputs that were fetched. */
  cacheMisses: number;
  /** Bytes of the hits, which did not have to be fetched. */
  cacheHitBytes: number;
  /** Of the inputs that were fetched, those that came from other nodes, and their bytes. */
  peerInputs: number;
  peerBytes: number;
  /** Contents that had to go from a node's cache for others. */
  cacheEvictions: number;
  /** Time in the user's code, summed, in milliseconds. */
  runMs: number;
  /** What the service bills, summed, in milliseconds; 0 where nothing is billed. */
  billedMs: number;
  /** The same times the memory, in GiB-seconds. */
  billedGbSeconds: number;
}

/** What has become of one app's tasks so far. */
export interface AppStats {
  total: number;
  done: number;
  failed: number;
}

/** Counts of a run at one moment. */
export interface RunStats {
  readonly byStatus: Readonly<Partial<Record<TaskStatus, number>>>;
  readonly byApp: Readonly<Record<string, Readonly<AppStats>>>;
  readonly byExecutor: Readonly<Record<string, Readonly<ExecutorStats>>>;
}

const NOTHING: ExecutorStats = {
  attempts: 0,
  tasks: 0,
  cacheHits: 0,
  cacheMisses: 0,
  cacheHitBytes: 0,
  peerInputs: 0,
  peerBytes: 0,
  cacheEvictions: 0,
  runMs: 0,
  billedMs: 0,
  billedGbSeconds: 0,
};

/** Keeps the counts that `kernel.stats()` answers with. */
export function createRunStats(): Monitor & { snapshot(): RunStats } {
  const byStatus: Partial<Record<TaskStatus, number>> = {};
  const byApp: Record<string, AppStats> = {};
  const byExecutor: Record<string, ExecutorStats> = {};
  const appStats = (app: string) => (byApp[app] ??= { total: 0, done: 0, failed: 0 });
  const executorStats = (label: string) => (byExecutor[label] ??= { ...NOTHING });

  const onCreated = ({ app }: TaskCreated): void => {
    byStatus.waiting = (byStatus.waiting ?? 0) + 1;
    appStats(app).total += 1;
  };
  const onStatus = ({ from, status, app }: TaskStatusChanged): void => {
    byStatus[from] = (byStatus[from] ?? 1) - 1;
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (status === 'done') appStats(app).done += 1;
    else if (status === 'failed' || status === 'cancelled') appStats(app).failed += 1;
  };
  const onAttemptEnded = (event: AttemptEnded): void => {
    const stats = executorStats(event.executor);
    if (event.error === undefined) stats.tasks += 1;
    stats.runMs += event.usage?.runMs ?? 0;
    const inputs = event.usage?.inputs;
    if (inputs !== undefined) {
      stats.cacheHits += inputs.hits;
      stats.cacheMisses += inputs.misses;
      stats.cacheHitBytes += inputs.hitBytes;
      stats.peerInputs += inputs.fromPeers ?? 0;
      stats.peerBytes += inputs.peerBytes ?? 0;
      stats.cacheEvictions += inputs.evictions;
    }
    const billed = event.usage?.billed;
    if (billed === undefined) return;
    stats.billedMs += billed.milliseconds;
    stats.billedGbSeconds += (billed.milliseconds / 1000) * (billed.memoryMiB / 1024);
  };

  return {
    record(event) {
      if (event.kind === 'taskCreated') onCreated(event);
      else if (event.kind === 'taskStatus') onStatus(event);
      else if (event.kind === 'attemptStarted') executorStats(event.executor).attempts += 1;
      else if (event.kind === 'attemptEnded') onAttemptEnded(event);
    },
    close: async () => {},
    snapshot: () => structuredClone({ byStatus, byApp, byExecutor }),
  };
}
