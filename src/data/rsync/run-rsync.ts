import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { SluiceError } from '../../errors.js';
import { startChildGroup } from '../../run/child-group.js';
import { type RsyncEnd, rsyncFailure } from './rsync-failure.js';
import type { ResolvedRsyncStagingOptions } from './rsync-options.js';
import type { RsyncPlace } from './rsync-url.js';

/** One run of rsync. */
export interface RsyncRun {
  /** Names the step in errors. */
  readonly what: string;
  readonly place: RsyncPlace;
  /** Options of this run, without those of every run. */
  readonly options: readonly string[];
  /** A local folder that is the source, or the destination; absent where files are only listed. */
  readonly from?: string;
  readonly to?: string;
  readonly signal: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

// What an rsync that was asked to end has to remove its temporary files in.
const GRACE_MS = 2_000;
const TAIL_CHARACTERS = 4_096;

/**
 * Runs rsync for one path. Its name goes to rsync's input, which takes it as it is: no shell, no option and no pattern is
 * made of it. Rejects as {@link rsyncFailure} says, and with `signal.reason` once all of rsync is ended.
 */
export async function runRsync(run: RsyncRun, options: ResolvedRsyncStagingOptions): Promise<void> {
  const { what, place, signal, onOutput } = run;
  signal.throwIfAborted();
  const group = await startChildGroup(options.program, argumentsOf(run, options), {
    env: {
      ...process.env,
      LC_ALL: 'C',
      TZ: 'UTC',
      ...(options.password !== undefined && { RSYNC_PASSWORD: options.password }),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    mark: randomUUID(),
  }).catch((error: NodeJS.ErrnoException) => {
    throw missingProgram(what, options.program, error);
  });
  const stop = (): void => group.end(GRACE_MS);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const [stdin, stdout, stderr] = group.child.stdio as unknown as [Writable, Readable, Readable];
    // It may end before it has read all; its exit code tells why.
    stdin.on('error', () => undefined);
    stdin.end(`./${place.path}\0`);
    let tail = '';
    stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS);
    });
    stdout.setEncoding('latin1').on('data', (text: string) => onOutput?.(text));
    const { exitCode } = await group.ended;
    signal.throwIfAborted();
    const end: RsyncEnd = { exitCode, stderr: tail };
    if (exitCode !== 0) throw rsyncFailure(what, end);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function argumentsOf({ place, options, from, to }: RsyncRun, resolved: ResolvedRsyncStagingOptions): readonly string[] {
  const { ssh, idleTimeoutMs } = resolved;
  const shell = [...ssh, ...(place.sshPort === undefined ? [] : ['-p', String(place.sshPort)])].join(' ');
  return [
    '--secluded-args',
    '--files-from=-',
    '--from0',
    '--no-human-readable',
    '--no-motd',
    `--timeout=${Math.ceil(idleTimeoutMs / 1_000)}`,
    ...(place.isSsh ? [`--rsh=${shell}`] : [`--contimeout=${Math.ceil(idleTimeoutMs / 1_000)}`]),
    ...options,
    '--',
    from ?? place.root,
    ...(from !== undefined ? [place.root] : to !== undefined ? [to] : []),
  ];
}

function missingProgram(what: string, program: string, error: NodeJS.ErrnoException): unknown {
  if (error.code !== 'ENOENT') return error;
  return new SluiceError(
    'PACKAGE_MISSING',
    `cannot ${what}: the program '${program}' is not there: install rsync (apt-get install rsync), also on the workers' machines`,
    { cause: error },
  );
}
