import type { Readable, Writable } from 'node:stream';
import { messageOf, SluiceError } from '../../errors.js';
import { type ChildGroup, startChildGroup } from '../../run/child-group.js';
import type { CommandOptions, CommandResult } from '../channel.js';

// Between SIGTERM and SIGKILL.
const END_GRACE_MS = 1_000;
// Node's timers hold no more, and fire at once when given more.
const LONGEST_TIMER_MS = 2 ** 31 - 1;
// To each of its streams: it is held in memory.
const LONGEST_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program of this machine, without a shell, and resolves with how it ended and what it wrote.
 *
 * @throws {SluiceError} `COMMAND_FAILED` when it cannot be started, exceeds `timeoutMs` or writes more than 64 MiB;
 *   `signal.reason` once aborted. By then its process group is ended.
 */
export async function runLocally(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { signal, timeoutMs, stdin } = options;
  const group = await start(argv, options);
  const stop = new AbortController();
  const outputs = [group.child.stdout, group.child.stderr].map((stream) => collect(stream as Readable, stop));
  const reasons = AbortSignal.any([signal, stop.signal]);
  const end = (): void => group.end(END_GRACE_MS);
  const timer = setTimeout(
    () => stop.abort(failed(argv, `did not end within ${timeoutMs} ms`)),
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  );
  if (reasons.aborted) end();
  else reasons.addEventListener('abort', end, { once: true });
  if (stdin !== undefined) give(group.child.stdin as Writable, stdin);
  const { exitCode } = await group.ended;
  clearTimeout(timer);
  reasons.removeEventListener('abort', end);
  reasons.throwIfAborted();
  const [stdout = '', stderr = ''] = outputs.map((output) => output());
  return { exitCode, stdout, stderr };
}

async function start(argv: readonly string[], { cwd, env, stdin }: CommandOptions): Promise<ChildGroup> {
  const [program = '', ...args] = argv;
  try {
    return await startChildGroup(program, args, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const where = cwd === undefined ? 'is it installed, and in PATH?' : `is it installed, and is ${cwd} a folder?`;
    throw failed(argv, `could not be started: ${code === 'ENOENT' ? where : messageOf(error)}`, error);
  }
}

function collect(stream: Readable, stop: AbortController): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LONGEST_OUTPUT_BYTES) chunks.push(chunk);
    else stop.abort(new SluiceError('COMMAND_FAILED', `a command wrote more than ${LONGEST_OUTPUT_BYTES} bytes`));
  });
  stream.on('error', () => {});
  return () => Buffer.concat(chunks).toString();
}

// A program may end without reading all it is given; its exit code tells.
function give(stream: Writable, text: string): void {
  stream.on('error', () => {});
  stream.end(text);
}

function failed(argv: readonly string[], what: string, cause?: unknown): SluiceError {
  const shown = argv.length > 4 ? [...argv.slice(0, 4), '…'] : argv;
  return new SluiceError('COMMAND_FAILED', `'${shown.join(' ')}' on this machine ${what}`, { cause });
}
