import { open, writeFile } from 'node:fs/promises';
import { messageOf } from '../../errors.js';
import { type ChildGroup, type GroupEnd, startChildGroup } from '../../run/child-group.js';
import { readFileTail } from '../../run/file-tail.js';
import type { JobState, JobStatus } from '../provider.js';

/** A block to start. */
export interface LocalBlockStart {
  /** Path of its files, without their endings: `….sh`, `….out`, `….err`. */
  readonly path: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Its own among all that the client starts. */
  readonly mark: string;
  readonly walltimeMs: number | undefined;
  readonly graceMs: number;
}

/** A block that runs on this machine, or has run. */
export interface LocalBlock {
  readonly pid: number;
  status(): Omit<JobStatus, 'jobId'>;
  /** Ends it, unless it has ended or is ending already. */
  end(why: EarlyEnd): void;
  /** Resolves when all its processes are gone and its status says how it ended. Never rejects. */
  readonly ended: Promise<void>;
}

/** Why a block is ended before its command has ended: what its state will be. */
export type EarlyEnd = Extract<JobState, 'cancelled' | 'timeout'>;

const TAIL_BYTES = 4_096;

/** Writes a block's script and runs it. Rejects when a file cannot be made, or exists, or no process can be started. */
export async function startLocalBlock(start: LocalBlockStart): Promise<LocalBlock> {
  const { path, script, environment, mark, walltimeMs, graceMs } = start;
  await writeFile(`${path}.sh`, script, { mode: 0o700, flag: 'wx' });
  await using stdout = await open(`${path}.out`, 'w', 0o600);
  await using stderr = await open(`${path}.err`, 'w', 0o600);
  const group = await startChildGroup('/bin/bash', [`${path}.sh`], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', stdout.fd, stderr.fd],
    mark,
  });
  // Nobody's script goes on only because a block does: who needs one, waits for its tasks.
  group.unref();
  return follow(group, { path, walltimeMs, graceMs });
}

function follow(
  group: ChildGroup,
  { path, walltimeMs, graceMs }: Pick<LocalBlockStart, 'path' | 'walltimeMs' | 'graceMs'>,
): LocalBlock {
  let status: Omit<JobStatus, 'jobId'> = { state: 'running' };
  let why: EarlyEnd | undefined;
  const end = (reason: EarlyEnd): void => {
    why ??= reason;
    group.end(graceMs);
  };
  const timer = walltimeMs === undefined ? undefined : setTimeout(end, walltimeMs, 'timeout');
  timer?.unref();
  const wait = async (): Promise<void> => {
    const ended = await group.ended;
    clearTimeout(timer);
    const [stdoutTail, stderrTail] = await Promise.all([tailOf(`${path}.out`), tailOf(`${path}.err`)]);
    status = { ...describe(ended, why, walltimeMs), exitCode: ended.exitCode, stdoutTail, stderrTail };
  };
  return { pid: group.pid, status: () => status, end, ended: wait() };
}

function describe(
  { exitCode, signal }: GroupEnd,
  why: EarlyEnd | undefined,
  walltimeMs: number | undefined,
): { state: JobState; message?: string } {
  if (why === 'timeout') return { state: 'timeout', message: `ran longer than its walltime of ${walltimeMs} ms` };
  if (why === 'cancelled') return { state: 'cancelled' };
  if (signal !== undefined) return { state: 'failed', message: `ended by ${signal}` };
  return exitCode === 0 ? { state: 'completed' } : { state: 'failed', message: `ended with exit code ${exitCode}` };
}

async function tailOf(path: string): Promise<string> {
  return readFileTail(path, TAIL_BYTES).catch((error: unknown) => `(${path} cannot be read: ${messageOf(error)})`);
}
