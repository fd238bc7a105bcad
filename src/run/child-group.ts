import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { killGroup } from './kill-group.js';
import { killMarked, type Marks, workerMark } from './marked-processes.js';
import { startTicksOf } from './process-identity.js';
import { ensureReaper, tellReaper } from './reaper-link.js';
import { within } from './within.js';

/** What a group of processes is started with. */
export interface ChildGroupOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input, output and error. */
  readonly stdio: readonly [stdin: StdioPart, stdout: StdioPart, stderr: StdioPart];
  /** Its own among all that this process starts: what has left the group (`setsid`) is found by it, and ended too. */
  readonly mark?: string;
}
type StdioPart = 'ignore' | 'pipe' | number;

/** How the program that was started ended. */
export interface GroupEnd {
  /** 128 and the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
}

/** A program and all it starts, in a process group of their own. Keeps nothing alive by itself once `unref` was called. */
export interface ChildGroup {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when the program is over and what it left is ended. Never rejects. */
  readonly ended: Promise<GroupEnd>;
  /**
   * SIGTERM to the group, once; SIGKILL to what is there `graceMs` milliseconds later, in the group or out of it. Does
   * nothing the second time.
   */
  end(graceMs: number): void;
  unref(): void;
}

// Processes that were killed need a moment to let go of what they hold.
const LET_GO_MS = 25;
// What a process that cannot be ended may still hold open.
const STREAMS_END_MS = 500;

/**
 * Starts a program in a process group of its own, which does not outlive this process either: its reaper knows of it.
 * Rejects with what `spawn` says when there is no such program, or no process can be started.
 *
 * The group ends with the program: what that left running gets SIGKILL. Only after {@link ChildGroup.end} do the others
 * keep their grace when the program goes first; that they are gone shows in a pipe, descriptor 3, which they inherit.
 */
export async function startChildGroup(
  file: string,
  args: readonly string[],
  options: ChildGroupOptions,
): Promise<ChildGroup> {
  ensureReaper();
  const marks = options.mark === undefined ? undefined : { SLUICE_WORKER: workerMark(), SLUICE_ATTEMPT: options.mark };
  const stdio: StdioOptions = [...options.stdio, 'pipe'];
  const child = spawn(file, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...options.env, ...marks },
    detached: true,
    stdio,
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, 'close');
  // Both reject with an `error` of the child, and so does this; one of them is enough to hear of it.
  exited.catch(() => {});
  closed.catch(() => {});
  await once(child, 'spawn');
  const lifeline = child.stdio[3] as Readable & { unref?(): void };
  lifeline.resume();
  return follow(child, { exited, closed, lifeline, marks });
}

interface Followed {
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
  readonly closed: Promise<unknown>;
  readonly lifeline: { unref?(): void };
  readonly marks: Marks | undefined;
}

function follow(child: ChildProcess, { exited, closed, lifeline, marks }: Followed): ChildGroup {
  const pid = child.pid as number;
  const startTicks = startTicksOf(pid);
  const mark = marks?.SLUICE_ATTEMPT ?? '';
  tellReaper({ pid, running: true, startTicks, mark });
  let killAtMs: number | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let isOver = false;

  const kill = (): void => {
    killGroup(pid, 'SIGKILL', startTicks);
    if (marks !== undefined) killMarked(marks);
  };
  const wait = async (): Promise<GroupEnd> => {
    const [code, signal] = await exited;
    if (killAtMs !== undefined) await within(closed, killAtMs - performance.now());
    isOver = true;
    clearTimeout(killTimer);
    kill();
    if (!(await within(closed, LET_GO_MS)) && !(await within(closed, STREAMS_END_MS))) {
      for (const stream of child.stdio) stream?.destroy();
    }
    tellReaper({ pid, running: false, startTicks, mark });
    return { exitCode: code ?? 128 + constants.signals[signal as NodeJS.Signals], ...(signal !== null && { signal }) };
  };

  return {
    pid,
    child,
    ended: wait(),
    end(graceMs) {
      if (killAtMs !== undefined || isOver) return;
      killAtMs = performance.now() + graceMs;
      killGroup(pid, 'SIGTERM', startTicks);
      killTimer = setTimeout(kill, graceMs);
    },
    unref() {
      child.unref();
      lifeline.unref?.();
    },
  };
}
