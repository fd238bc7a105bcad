/**
 * The main of a reaper: outlives its parent, a client or a worker, by a moment, and ends what the parent's commands
 * left. It is told of their process groups on stdin, one line each; argv has the parent's mark. When stdin ends, the
 * parent is gone, however it ended: every group still known, and every process with that mark, gets SIGTERM, and
 * SIGKILL if it is there still 2 s later.
 *
 * While the parent lives it looks, at most once a second, for processes of attempts that are over: a daemon that has
 * closed all it inherited is seen nowhere else. That takes milliseconds, of a process nobody waits for.
 */
import { createInterface } from 'node:readline';
import { killGroup } from '../run/kill-group.js';
import { findMarked, type Marks, signalMarked } from '../run/marked-processes.js';
import { type ProcessGroupChange, parseReaperLine } from '../run/reaper-message.js';

const TERM_GRACE_MS = 2_000;
const LOOK_MS = 50;
const KILL_ROUNDS = 20;
const OVER_DELAY_MS = 1_000;

const parent: Marks = { SLUICE_WORKER: process.argv[2] ?? '' };
const groups = new Map<number, ProcessGroupChange>();
const over = new Set<string>();
let look: NodeJS.Timeout | undefined;

process.title = `sluice-reaper ${parent.SLUICE_WORKER}`;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => onChange(parseReaperLine(line)));
lines.once('close', () => void endAll());

function onChange(change: ProcessGroupChange | undefined): void {
  if (change === undefined) return;
  if (change.running) {
    groups.set(change.pid, change);
    return;
  }
  groups.delete(change.pid);
  over.add(change.mark);
  look ??= setTimeout(endOver, OVER_DELAY_MS);
}

function endOver(): void {
  look = undefined;
  const marks = [...over].map((mark) => ({ ...parent, SLUICE_ATTEMPT: mark }));
  over.clear();
  signalMarked(findMarked(marks), 'SIGKILL');
}

async function endAll(): Promise<void> {
  clearTimeout(look);
  const startedMs = performance.now();
  let left = signalAll('SIGTERM');
  while (left && performance.now() - startedMs < TERM_GRACE_MS) {
    await pause();
    left = stillThere();
  }
  for (let round = 0; left && round < KILL_ROUNDS; round++) {
    signalAll('SIGKILL');
    await pause();
    left = stillThere();
  }
}

function signalAll(signal: NodeJS.Signals): boolean {
  for (const { pid, startTicks } of groups.values()) killGroup(pid, signal, startTicks);
  const marked = findMarked([parent]);
  signalMarked(marked, signal);
  return marked.length > 0 || groups.size > 0;
}

function stillThere(): boolean {
  for (const { pid } of groups.values()) if (!groupExists(pid)) groups.delete(pid);
  return groups.size > 0 || findMarked([parent]).length > 0;
}

function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
