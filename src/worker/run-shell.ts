import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { killGroup } from '../run/kill-group.js';
import { findMarked, killMarked, type Marks, signalMarked, workerMark } from '../run/marked-processes.js';
import { startTicksOf } from '../run/process-identity.js';
import type { ProcessGroupChange } from '../run/reaper-message.js';
import { within } from '../run/within.js';
import type { CommandInput } from './command-values.js';
import type { StreamFiles } from './stream-files.js';

/** What a shell is run with. */
export interface ShellOptions {
  readonly cwd: string;
  /** Its own among all attempts of this process: `SLUICE_ATTEMPT`. */
  readonly mark: string;
  readonly input: CommandInput;
  readonly streams: StreamFiles;
  readonly signal: AbortSignal | undefined;
  /** Told of the shell's group. Without one, nobody looks for daemons later, and this does so after every command. */
  readonly onProcessGroup: ((change: ProcessGroupChange) => void) | undefined;
}

/** How a shell ended. */
export interface ShellEnd {
  /** 128 and the signal's number when a signal ended it. */
  readonly exitCode: number;
  /** The last 4 KiB of standard error. */
  readonly stderrTail: string;
}

const STDERR_TAIL_BYTES = 4096;
const KILL_AFTER_MS = 2_000;
// Processes that were killed need a moment to let go of what they hold.
const LET_GO_MS = 25;
// What a process that cannot be ended may still hold open.
const STREAMS_END_MS = 500;

/**
 * Runs `/bin/bash` in a process group of its own, and resolves when the shell is over and all it started is too.
 *
 * Its group is killed; what has left the group (`setsid`) is found by the marks in its environment. Whether to look is
 * told by a pipe, descriptor 3, that every process of the command inherits: once the last of them is gone it ends, and
 * a command that leaves nothing costs no search. A daemon that has closed all its descriptors is left to the reaper,
 * which looks within a second.
 *
 * An abort sends SIGTERM to all of these, and SIGKILL after 2 s. Rejects with what `spawn` says when there is no bash.
 */
export async function runShell(args: readonly string[], options: ShellOptions): Promise<ShellEnd> {
  const { cwd, mark, input, streams, signal, onProcessGroup } = options;
  const marks = { SLUICE_WORKER: workerMark(), SLUICE_ATTEMPT: mark };
  const child = spawn('/bin/bash', args, {
    cwd,
    detached: true,
    stdio: [
      input.fd ?? (input.bytes === undefined ? 'ignore' : 'pipe'),
      streams.stdout ?? 'ignore',
      streams.stderr ?? 'pipe',
      'pipe',
    ],
    env: { ...process.env, ...marks },
  });
  const closed = once(child, 'close');
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  // Both reject with an `error` of the child; one of them is enough to hear of it.
  closed.catch(() => {});
  const tail = createTail();
  child.stderr?.on('data', tail.add);
  // A command need not read all it is given, nor anything.
  child.stdin?.on('error', () => {}).end(input.bytes);
  (child.stdio[3] as Readable).resume();
  if (child.pid === undefined) await exited;
  const pid = child.pid as number;
  const startTicks = startTicksOf(pid);
  onProcessGroup?.({ pid, running: true, startTicks, mark });
  const letGo = endOnAbort({ pid, startTicks, marks }, signal);
  const [code, by] = await exited;
  letGo();
  killGroup(pid, 'SIGKILL', startTicks);
  const isLeft = !(await within(closed, LET_GO_MS));
  if (isLeft || signal?.aborted === true || onProcessGroup === undefined) killMarked(marks);
  if (isLeft && !(await within(closed, STREAMS_END_MS))) destroyStreams(child);
  onProcessGroup?.({ pid, running: false, startTicks, mark });
  const stderrTail = streams.stderr === undefined ? tail.text() : streams.stderrTail(STDERR_TAIL_BYTES);
  return { exitCode: code ?? 128 + constants.signals[by as NodeJS.Signals], stderrTail };
}

function endOnAbort(
  command: { readonly pid: number; readonly startTicks: string | undefined; readonly marks: Marks },
  signal: AbortSignal | undefined,
): () => void {
  if (signal === undefined) return () => {};
  const { pid, startTicks, marks } = command;
  let timer: NodeJS.Timeout | undefined;
  const signalAll = (name: NodeJS.Signals): void => {
    killGroup(pid, name, startTicks);
    signalMarked(findMarked([marks]), name);
  };
  const end = (): void => {
    signalAll('SIGTERM');
    timer = setTimeout(signalAll, KILL_AFTER_MS, 'SIGKILL');
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

function destroyStreams(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
}

function createTail(): { add: (chunk: Buffer) => void; text(): string } {
  let kept = Buffer.alloc(0);
  return {
    add(chunk) {
      kept = Buffer.concat([kept, chunk.subarray(-STDERR_TAIL_BYTES)]).subarray(-STDERR_TAIL_BYTES);
    },
    text: () => kept.toString(),
  };
}
