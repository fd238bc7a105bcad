import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf, SluiceError } from '../../errors.js';
import {
  encodeInterchangeConfig,
  type InterchangeConfig,
  parseInterchangeAnswer,
} from '../../interchange/interchange-config.js';
import { relayCommand } from './relay-command.js';

/** A running interchange: a child whose stdin is its lease, since it ends when its client does. */
export interface InterchangeProcess {
  readonly pid: number;
  readonly port: number;
  /** Resolves when it has ended, with how: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Ends it: lets it tell everybody for `graceMs`, then kills it. */
  end(graceMs: number): Promise<void>;
}

const START_MS = 20_000;
const TAIL_CHARACTERS = 2_000;

/**
 * Starts an interchange and resolves once it listens.
 *
 * @param logPath what it writes on stderr is added there
 * @throws {SluiceError} `ADDRESS_IN_USE`; `INTERCHANGE_LOST` with the end of its log when it does not come up
 */
export async function startInterchange(
  config: InterchangeConfig,
  { command, logPath }: { readonly command: readonly string[] | undefined; readonly logPath: string },
): Promise<InterchangeProcess> {
  const [program, ...args] = command ?? relayCommand(interchangeMain());
  const log = openSync(logPath, 'a', 0o600);
  // A group of its own: Ctrl-C ends the client in order, and the client ends this.
  const child = spawn(program as string, args, { stdio: ['pipe', 'pipe', log], detached: true });
  closeSync(log);
  const ended = endOf(child);
  child.stdin?.on('error', () => {});
  child.stdin?.write(encodeInterchangeConfig(config));
  try {
    const port = await portOf(child, ended);
    return { pid: child.pid as number, port, ended, end: (graceMs) => endWithin(child, ended, graceMs) };
  } catch (error) {
    child.kill('SIGKILL');
    if (error instanceof SluiceError) throw error;
    const tail = (await readFile(logPath, 'utf8').catch(() => '')).slice(-TAIL_CHARACTERS).trim();
    const wrote = tail === '' ? '' : `; it wrote:\n${tail}`;
    throw new SluiceError(
      'INTERCHANGE_LOST',
      `the interchange (${[program, ...args].join(' ')}) did not start: ${messageOf(error)}${wrote}`,
      { cause: error },
    );
  }
}

async function portOf(child: ChildProcess, ended: Promise<string>): Promise<number> {
  const lines = createInterface({ input: child.stdout as Readable });
  const timer = AbortSignal.timeout(START_MS);
  const said = once(lines, 'line', { signal: timer }).then(([line]) => line as string);
  said.catch(() => {});
  const line = await Promise.race([
    said.catch(() => Promise.reject(new Error(`it said nothing for ${START_MS / 1000} s`))),
    ended.then((how) => Promise.reject(new Error(`it ended with ${how}`))),
  ]);
  lines.close();
  child.stdout?.resume();
  return parseInterchangeAnswer(line).port;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

async function endWithin(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}

// It runs as built, whether this file does (dist) or its source (under a TypeScript runner).
function interchangeMain(): string {
  return createRequire(import.meta.url).resolve('#interchange');
}
