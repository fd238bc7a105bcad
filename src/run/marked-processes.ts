import { readdirSync, readFileSync } from 'node:fs';
import { startTicksOf } from './process-identity.js';

/**
 * What a command and all it starts carry in their environment, so that they are found again whatever group or session
 * they have moved to. A process that was given an environment of its own (`env -i`) does not carry them.
 */
export interface Marks {
  /** The worker's process, or the manager of several: `<pid>-<start ticks>`, from {@link workerMark}. */
  readonly SLUICE_WORKER: string;
  /** One of the processes of a manager, which has it too. */
  readonly SLUICE_WORKER_PROCESS?: string;
  /** `<run>-<task>-<attempt>`; left out, any attempt of that worker is meant. */
  readonly SLUICE_ATTEMPT?: string;
}

/** One process, for good. */
export interface MarkedProcess {
  readonly pid: number;
  readonly startTicks: string;
}

let own: string | undefined;

/**
 * This process marks what it starts as its manager does: the manager and its reaper see to what is left, and to this
 * process too when its environment has that mark. Call it before a command starts.
 */
export function adoptWorkerMark(mark: string): void {
  own = mark;
}

/** The mark of this process, the same on all its threads. */
export function workerMark(): string {
  own ??= `${process.pid}-${startTicksOf(process.pid) ?? 0}`;
  return own;
}

/**
 * Processes that carry one of the marks. Reads the environment of every process of this user, some ten microseconds
 * each, so it is asked only when there is reason to. Finds none where there is no `/proc`.
 */
export function findMarked(marks: readonly Marks[]): readonly MarkedProcess[] {
  const wanted = marks.map((mark) => Object.entries(mark).map(([name, value]) => `\0${name}=${value}\0`));
  const found: MarkedProcess[] = [];
  const carriesOne = (pid: number): boolean => {
    const environment = environmentOf(pid);
    return wanted.some((entries) => entries.every((entry) => environment.includes(entry)));
  };
  for (const pid of pids()) {
    if (pid === process.pid || !carriesOne(pid)) continue;
    const startTicks = startTicksOf(pid);
    // Looked at again: between the two, the pid may have gone to another process.
    if (startTicks !== undefined && carriesOne(pid)) found.push({ pid, startTicks });
  }
  return found;
}

/** Sends a signal to processes that were found; one whose pid belongs to another process by now is left alone. */
export function signalMarked(processes: readonly MarkedProcess[], signal: NodeJS.Signals): void {
  for (const { pid, startTicks } of processes) {
    if (startTicksOf(pid) !== startTicks) continue;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

const SWEEPS = 5;

/** Ends every process that carries the marks, with SIGKILL: one that forks while the list is read is found by the next look. */
export function killMarked(marks: Marks): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const found = findMarked([marks]);
    if (found.length === 0) return;
    signalMarked(found, 'SIGKILL');
  }
}

function pids(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
  } catch {
    return '';
  }
}
