import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of one run, and the id that tags whatever the run creates elsewhere. */
export interface RunDirectory {
  /** `<time>-<id>`: sorts by time, and is unique. */
  readonly runId: string;
  /** Absolute path: `<runDir>/<runId>`. */
  readonly path: string;
  /** Where an AUTO stream of a task goes: `tasks/0000/task_0007_count_label.stdout`. */
  autoLog(task: { taskId: number; appName: string; label: string | undefined }, stream: 'stdout' | 'stderr'): string;
}

/**
 * Creates the folder of a run below `root`, with `run.json` (who runs what, where, since when) and `tasks/`. No two
 * runs share one: `mkdir` of a name that exists fails.
 */
export function createRunDirectory(
  root: string,
  about: { version: string; executors: readonly string[] },
): RunDirectory {
  const startedAt = new Date();
  mkdirSync(resolve(root), { recursive: true });
  const runId = `${timestamp(startedAt)}-${randomBytes(4).toString('hex')}`;
  const path = join(resolve(root), runId);
  mkdirSync(path);
  mkdirSync(join(path, 'tasks'));
  const facts = {
    runId,
    startedAt: startedAt.toISOString(),
    ...about,
    pid: process.pid,
    host: hostname(),
    node: process.version,
    argv: process.argv.slice(1),
  };
  writeFileSync(join(path, 'run.json'), `${JSON.stringify(facts, null, 2)}\n`);
  return {
    runId,
    path,
    autoLog({ taskId, appName, label }, stream) {
      const folder = String(Math.floor(taskId / 10_000)).padStart(4, '0');
      const parts = ['task', String(taskId).padStart(4, '0'), appName, ...(label === undefined ? [] : [label])];
      return join(path, 'tasks', folder, `${parts.map(safeName).join('_')}.${stream}`);
    },
  };
}

// 20261122T190412: sorts, and is a valid name everywhere.
function timestamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
}

// A file name has 255 bytes (limits.h), the app's name and the label among them.
const LONGEST_NAME = 100;

function safeName(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '-').slice(0, LONGEST_NAME);
}
