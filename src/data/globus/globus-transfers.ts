import { SluiceError } from '../../errors.js';
import { untilAborted } from '../until-aborted.js';
import type { GlobusApi, TransferItem } from './globus-api.js';
import { isTransient } from './globus-errors.js';
import { watchTask } from './watch-task.js';

/** One file on its way from one collection to another. */
export interface Transfer extends TransferItem {
  readonly source: string;
  readonly destination: string;
  /** For messages: `read globus://…`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Told how many bytes have moved in all; only where Globus can say so of one file. */
  readonly onBytes: (bytes: number) => void;
  /** Removes what has arrived of a file that nobody wants any more; called when nothing is written to it any more. */
  readonly abandon: () => Promise<void>;
}

/** Moves files by tasks of Globus. */
export interface GlobusTransfers {
  /** Resolves when the file is there. @throws {SluiceError} as {@link watchTask} and {@link GlobusApi} */
  move(transfer: Transfer): Promise<void>;
  /** Cancels what is under way, and waits for its end. */
  close(): Promise<void>;
}

export interface TransfersOptions {
  readonly deadlineMs: number;
  readonly pollMs: number;
  /** How long files are gathered for one task. */
  readonly gatherMs: number;
  readonly encrypt: boolean;
}

/** How long the answer to a submission is waited for. */
const SUBMIT_MS = 60_000;
/** Files in one task at most. */
const MOST_ITEMS = 1_000;

interface Member extends Transfer {
  readonly settle: (error?: unknown) => void;
}

/**
 * Transfers that gather what is asked for at about the same time: Globus works on three tasks of a user at a time, and each
 * takes some seconds to begin.
 */
export function createGlobusTransfers(api: GlobusApi, options: TransfersOptions): GlobusTransfers {
  const closing = new AbortController();
  const gathering = new Map<string, Member[]>();
  const running = new Set<Promise<void>>();

  const begin = (members: readonly Member[]) => {
    const run = runTask(api, members, { ...options, closing: closing.signal }).finally(() => running.delete(run));
    running.add(run);
  };
  const gather = (member: Member) => {
    const key = `${member.source} ${member.destination}`;
    const waiting = gathering.get(key);
    if (waiting !== undefined && waiting.length < MOST_ITEMS) {
      waiting.push(member);
      return;
    }
    const members = [member];
    gathering.set(key, members);
    setTimeout(() => {
      if (gathering.get(key) === members) gathering.delete(key);
      begin(members);
    }, options.gatherMs);
  };
  return {
    move(transfer) {
      const moved = new Promise<void>((resolve, reject) => {
        gather({ ...transfer, settle: (error) => (error === undefined ? resolve() : reject(error)) });
      });
      return untilAborted(moved, transfer.signal);
    },
    async close() {
      closing.abort(new SluiceError('SERVICE_FAILED', 'the transfers through Globus were closed by this process'));
      await Promise.all(running);
    },
  };
}

interface Running extends TransfersOptions {
  readonly closing: AbortSignal;
}

/** Runs one task for all of its members; where it fails, and one of several may be why, one for each. Never rejects. */
async function runTask(api: GlobusApi, all: readonly Member[], options: Running): Promise<void> {
  const members = all.filter(({ signal }) => !signal.aborted);
  const [first] = members;
  if (first === undefined) return;
  const wanted = whileWanted(members, options.closing);
  const failure = await submit(api, members, wanted.signal, options).catch((error: unknown) => error);
  wanted.dispose();
  const isDoubtful = members.length > 1 && !isTransient(failure) && !wanted.signal.aborted;
  await Promise.all(
    members.map(async (member) => {
      if (member.signal.aborted) await member.abandon().catch(() => undefined);
      else if (failure !== undefined && isDoubtful) await runTask(api, [member], options);
      else member.settle(failure);
    }),
  );
}

async function submit(
  api: GlobusApi,
  members: readonly Member[],
  signal: AbortSignal,
  { deadlineMs, pollMs, encrypt }: Running,
): Promise<undefined> {
  const [first] = members as [Member, ...Member[]];
  const { source, destination } = first;
  const submissionId = await api.submissionId(signal);
  const deadline = new Date(Date.now() + deadlineMs);
  signal.throwIfAborted();
  // Whoever gives up now still needs the answer: only by its id can a task that has begun be cancelled.
  const asking = AbortSignal.timeout(SUBMIT_MS);
  const id = await api.transfer({ submissionId, source, destination, items: members, deadline, encrypt }, asking);
  const isAlone = members.length === 1;
  await watchTask(api, id, {
    what: isAlone ? first.what : `${first.what} and ${members.length - 1} other files`,
    signal,
    deadlineMs,
    pollMs,
    ...(isAlone ? { onBytes: first.onBytes } : {}),
  });
}

/** A signal that aborts when no member is wanted any more, or all are ended. */
function whileWanted(
  members: readonly Member[],
  closing: AbortSignal,
): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController();
  const look = () => {
    if (members.every(({ signal }) => signal.aborted)) stop.abort(members[0]?.signal.reason);
  };
  const onClosing = () => stop.abort(closing.reason);
  if (closing.aborted) onClosing();
  closing.addEventListener('abort', onClosing, { once: true });
  for (const { signal } of members) signal.addEventListener('abort', look, { once: true });
  return {
    signal: stop.signal,
    dispose() {
      closing.removeEventListener('abort', onClosing);
      for (const { signal } of members) signal.removeEventListener('abort', look);
    },
  };
}
