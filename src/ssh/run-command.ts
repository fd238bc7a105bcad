import { constants } from 'node:os';
import type { Client, ClientChannel } from 'ssh2';
import { untilAborted } from '../data/until-aborted.js';
import { SluiceError } from '../errors.js';
import { connectionLost } from './ssh-errors.js';

/** How a command on another host ended. */
export interface RemoteResult {
  /** 128 and more when a signal ended it, as shells count. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RemoteCommand {
  /** A line for the user's shell there: quote what goes into it. */
  readonly command: string;
  readonly stdin?: string | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * Runs a command over a channel of its own. What a login script of the user writes before it is left out.
 *
 * @throws {SluiceError} `COMMAND_FAILED` after `timeoutMs`, `SERVICE_FAILED` when the connection is lost, or with
 *   `signal.reason`; never for an exit code. The command's process group is ended then.
 */
export async function runCommand(client: Client, name: string, wanted: RemoteCommand): Promise<RemoteResult> {
  const { command, stdin, signal, timeoutMs } = wanted;
  signal.throwIfAborted();
  const channel = await openChannel(client, name, `echo ${PID_MARK}$$; ${command}`);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const late = setTimeout(() => {
    stop.abort(
      new SluiceError('COMMAND_FAILED', `${name}: ${command}: still running after ${timeoutMs} ms, and ended`),
    );
  }, timeoutMs);
  const output = collect(channel);
  try {
    channel.end(stdin ?? '');
    const exitCode = await untilAborted(endOf(channel, name), stop.signal);
    const { stdout, stderr } = output();
    return { exitCode, stdout, stderr };
  } catch (error) {
    if (stop.signal.aborted) endGroup(client, output().pid);
    channel.close();
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', onAbort);
  }
}

const PID_MARK = 'sluice-pid:';

async function openChannel(client: Client, name: string, command: string): Promise<ClientChannel> {
  try {
    return await new Promise((resolve, reject) => {
      client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
    });
  } catch (error) {
    throw connectionLost(name, error);
  }
}

/** What the command has written so far, and the process it is, once that is known. */
function collect(channel: ClientChannel): () => { stdout: string; stderr: string; pid: number | undefined } {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  channel.on('data', (chunk: Buffer) => stdout.push(chunk));
  channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return () => {
    const text = Buffer.concat(stdout).toString();
    const mark = new RegExp(`^${PID_MARK}(\\d+)\\r?\\n`, 'm').exec(text);
    return {
      stdout: mark === null ? text : text.slice(mark.index + mark[0].length),
      stderr: Buffer.concat(stderr).toString(),
      pid: mark === null ? undefined : Number(mark[1]),
    };
  };
}

function endOf(channel: ClientChannel, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let exitCode: number | undefined;
    channel.on('exit', (code: number | null, signalName?: string) => {
      exitCode = code ?? 128 + (constants.signals[signalName as NodeJS.Signals] ?? 0);
    });
    channel.on('error', reject);
    channel.on('close', () => (exitCode === undefined ? reject(connectionLost(name)) : resolve(exitCode)));
  });
}

// Servers need not pass signals on (OpenSSH's does not for root), and closing a channel ends nothing. On a connection
// that is lost there is nobody to tell.
function endGroup(client: Client, pid: number | undefined): void {
  if (pid === undefined) return;
  const command = `sh -c 'kill -TERM -${pid}; sleep 2; kill -KILL -${pid}' >/dev/null`;
  try {
    client.exec(command, (error, channel) => error ?? channel.on('error', () => undefined).resume());
  } catch {
    return;
  }
}
