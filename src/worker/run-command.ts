import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShellCommand } from '../apps/shell-quote.js';
import { BashExitError, messageOf, SluiceError } from '../errors.js';
import type { Attempt } from './attempt.js';
import { openInput, readOutput } from './command-values.js';
import { runShell, type ShellEnd, type ShellOptions } from './run-shell.js';

// A single argument of execve(2) may have 128 KiB (MAX_ARG_STRLEN); longer commands are read from a file.
const LONGEST_ARGUMENT = 100 * 1024;

export interface CommandOptions extends Pick<ShellOptions, 'signal' | 'onProcessGroup'> {
  /** What the call gives as standard input: {@link readStdin}. */
  readonly stdin: unknown;
}

/**
 * Runs the command of a bash app under `/bin/bash -o pipefail` in the attempt's scratch folder, in a process group of
 * its own, and resolves with its exit code, 0, or with what the app returns of its output. The command is over when its
 * shell is: what that left running is ended. Its streams go to their files directly, and to nothing where the call names
 * none.
 *
 * @throws {BashExitError} on any other code; {SluiceError} `BASH_NO_COMMAND`, `BASH_BAD_OUTPUT`, `BASH_BAD_INPUT`;
 *   `signal.reason` once aborted, with all the command started ended
 */
export async function runCommand(
  command: unknown,
  attempt: Attempt,
  { stdin, signal, onProcessGroup }: CommandOptions,
): Promise<unknown> {
  const { envelope, scratch, mark } = attempt;
  const { name, returns } = envelope.app;
  const text = commandText(command, name);
  signal?.throwIfAborted();
  const args = ['-o', 'pipefail', ...(await argumentsFor(text, scratch))];
  const input = openInput(stdin, name);
  const streams = attempt.openStreams();
  let end: ShellEnd;
  try {
    signal?.throwIfAborted();
    end = await runShell(args, { cwd: scratch, mark, input, streams, signal, onProcessGroup });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw new SluiceError('WORKER_LOST', `/bin/bash could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    streams.close();
    input.close();
  }
  signal?.throwIfAborted();
  const { exitCode, stderrTail } = end;
  if (exitCode !== 0) throw new BashExitError({ app: name, exitCode, stderrTail });
  return returns === undefined ? 0 : readOutput(attempt.stdoutPath as string, returns, name);
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
