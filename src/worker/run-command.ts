import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShellCommand } from '../apps/shell-quote.js';
import { BashExitError, messageOf, SluiceError } from '../errors.js';
import type { Attempt } from './attempt.js';
import { runShell, type ShellEnd, type ShellOptions } from './run-shell.js';

// A single argument of execve(2) may have 128 KiB (MAX_ARG_STRLEN); longer commands are read from a file.
const LONGEST_ARGUMENT = 100 * 1024;

/**
 * Runs the command of a bash app under `/bin/bash -o pipefail` in the attempt's scratch folder, in a process group of
 * its own, and resolves with its exit code, 0. The command is over when its shell is: what that left running is ended.
 * Its streams go to their files directly, and to nothing where the call names none.
 *
 * @throws {BashExitError} on any other code; {SluiceError} `BASH_NO_COMMAND`; `signal.reason` once aborted, with all
 *   the command started ended
 */
export async function runCommand(
  command: unknown,
  attempt: Attempt,
  signal: AbortSignal | undefined,
  onProcessGroup: ShellOptions['onProcessGroup'],
): Promise<number> {
  const { envelope, scratch, mark } = attempt;
  const text = commandText(command, envelope.app.name);
  signal?.throwIfAborted();
  const args = ['-o', 'pipefail', ...(await argumentsFor(text, scratch))];
  signal?.throwIfAborted();
  const streams = attempt.openStreams();
  let end: ShellEnd;
  try {
    end = await runShell(args, { cwd: scratch, mark, streams, signal, onProcessGroup });
  } catch (error) {
    throw new SluiceError('WORKER_LOST', `/bin/bash could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    streams.close();
  }
  signal?.throwIfAborted();
  const { exitCode, stderrTail } = end;
  if (exitCode !== 0) throw new BashExitError({ app: envelope.app.name, exitCode, stderrTail });
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
