import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { workerMark } from './marked-processes.js';
import { type ProcessGroupChange, reaperLine } from './reaper-message.js';

let reaper: ChildProcess | undefined;
const running = new Map<number, ProcessGroupChange>();

/**
 * Starts this process's reaper, unless there is one: a small process that ends whatever commands are left once this
 * process is gone, kill -9 included, and which keeps nothing alive meanwhile. Call it before a command starts, on the
 * main thread: what a thread starts ends with the thread.
 */
export function ensureReaper(): void {
  if (reaper !== undefined) return;
  startReaper();
  for (const known of running.values()) write(known);
}

/** Tells the reaper of a group's start or end. */
export function tellReaper(change: ProcessGroupChange): void {
  if (change.running) running.set(change.pid, change);
  else running.delete(change.pid);
  ensureReaper();
  write(change);
}

function write(change: ProcessGroupChange): void {
  if (reaper?.stdin?.writable === true) reaper.stdin.write(reaperLine(change));
}

function startReaper(): void {
  // Its own session: what ends this process's group, Ctrl-C above all, must not end it first. Its own environment: an
  // attempt's mark in ours would have it taken for one of that attempt's processes.
  const main = reaperMain();
  if (main === undefined) return;
  const started = spawn(process.execPath, [main, workerMark()], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: plainEnvironment(),
  });
  const gone = (): void => {
    if (reaper === started) reaper = undefined;
  };
  // Without one (no process can be started, or somebody killed it) the next command tries again.
  started.once('error', gone).once('exit', gone);
  started.stdin.on('error', () => {});
  started.unref();
  (started.stdin as unknown as { unref?: () => void }).unref?.();
  reaper = started;
}

function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|SLUICE_)/.test(name)));
}

// It runs as built, whether this file does (dist) or its source (under a TypeScript runner). The worker that is one file
// has none: Lambda ends an environment with all that is in it.
function reaperMain(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('#worker/reaper');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
