import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ShellCommand } from '../apps/shell-quote.js';
import { BashExitError, SluiceError } from '../errors.js';
import { killGroup } from '../run/kill-group.js';
import type { Attempt } from './attempt.js';
import type { RunnerParts } from './task-runner.js';

const STDERR_TAIL_BYTES = 4096;
// A single argument of execve(2) may have 128 KiB (MAX_ARG_STRLEN); longer commands are read from a file.
const LONGEST_ARGUMENT = 100 * 1024;
const KILL_AFTER_MS = 2_000;
// What a process that outlives the shell may still hold open.
const STREAMS_END_MS = 500;

/**
 * Runs the command of a bash app under `/bin/bash -o pipefail` in the attempt's scratch folder, in a process group of
 * its own, and resolves with its exit code, 0. The command is over when its shell is: what that left running is ended.
 *
 * @throws {BashExitError} on any other code; {SluiceError} `BASH_NO_COMMAND`; `signal.reason` once aborted, with the
 *   group ended
 */
export async function runCommand(
  command: unknown,
  attempt: Attempt,
  signal: AbortSignal | undefined,
  onProcessGroup: RunnerParts['onProcessGroup'],
): Promise<number> {
  const { envelope, scratch } = attempt;
  const text = commandText(command, envelope.app.name);
  signal?.throwIfAborted();
  const stdout = envelope.stdout === undefined ? 'ignore' : { file: attempt.outputPath(envelope.stdout) };
  const tail = createTail();
  const child = execa('/bin/bash', ['-o', 'pipefail', ...(await argumentsFor(text, scratch))], {
    cwd: scratch,
    detached: true,
    stdin: 'ignore',
    stdout,
    stderr: envelope.stderr === undefined ? 'pipe' : ['pipe', { file: attempt.outputPath(envelope.stderr) }],
    buffer: false,
    reject: false,
    env: { SLUICE_ATTEMPT: `${envelope.runId}-${envelope.taskId}-${envelope.attempt}` },
  });
  child.stderr?.on('data', tail.add);
  const letGo = endStreamsAfterExit(child);
  const stop = endGroupOnAbort(child.pid, signal);
  if (child.pid !== undefined) onProcessGroup?.({ pid: child.pid, running: true });
  const result = await child;
  letGo();
  stop();
  if (child.pid !== undefined) onProcessGroup?.({ pid: child.pid, running: false });
  signal?.throwIfAborted();
  const exitCode = result.exitCode ?? exitCodeOf(result.signal);
  if (exitCode === undefined) throw new SluiceError('WORKER_LOST', `/bin/bash could not be started: ${result.message}`);
  if (exitCode !== 0) throw new BashExitError({ app: envelope.app.name, exitCode, stderrTail: tail.text() });
  return 0;
}

function commandText(command: unknown, app: string): string {
  if (command instanceof ShellCommand) return command.text;
  if (typeof command === 'string') return command;
  const what = command === null ? 'null' : typeof command;
  throw new SluiceError(
    'BASH_NO_COMMAND',
    `bash app '${app}' returned ${what}, not a command: return io.sh\`…\` or a string`,
  );
}

async function argumentsFor(text: string, scratch: string): Promise<readonly string[]> {
  if (Buffer.byteLength(text) <= LONGEST_ARGUMENT) return ['-c', text];
  const path = join(scratch, '.sluice-command.sh');
  await writeFile(path, text);
  return [path];
}

function endGroupOnAbort(pid: number | undefined, signal: AbortSignal | undefined): () => void {
  if (pid === undefined) return () => {};
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    killGroup(pid, 'SIGTERM');
    timer = setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_AFTER_MS);
  };
  if (signal?.aborted === true) end();
  signal?.addEventListener('abort', end, { once: true });
  return () => {
    signal?.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

// Background processes hold the shell's streams, which would keep the command from ending. Those in its group go with
// it; one that has left the group (setsid(1)) loses the streams.
function endStreamsAfterExit(child: Pick<ChildProcess, 'pid' | 'once' | 'stdout' | 'stderr'>): () => void {
  let timer: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
    timer = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, STREAMS_END_MS);
  });
  return () => clearTimeout(timer);
}

function exitCodeOf(signal: string | undefined): number | undefined {
  const number = constants.signals[signal as NodeJS.Signals];
  return number === undefined ? undefined : 128 + number;
}

function createTail(): { add: (chunk: Buffer) => void; text(): string } {
  let kept = Buffer.alloc(0);
  return {
    add(chunk) {
      kept = Buffer.concat([kept, chunk]).subarray(-STDERR_TAIL_BYTES);
    },
    text: () => kept.toString(),
  };
}
