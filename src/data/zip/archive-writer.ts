import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { shortHash } from '../local-name.js';
import { localFailure } from '../write-whole.js';
import { type FileLock, takeLock } from './file-lock.js';
import { type MemberChange, realArchive, rewriteArchive } from './rewrite-archive.js';

/** Changes archives, one process at a time. */
export interface ArchiveWriter {
  /**
   * Makes changes to an archive, and resolves once they are there. Those that come while another process has the archive
   * are made together: one rewriting for all of them. Rejects with `signal.reason`, also where the change was made just
   * before; with `INVALID_OPTIONS` when a name is that of a folder, or is below a file.
   *
   * @param what names the step in errors
   */
  change(path: string, changes: readonly MemberChange[], step: { what: string; signal: AbortSignal }): Promise<void>;
}

interface Pending {
  readonly changes: readonly MemberChange[];
  readonly what: string;
  readonly signal: AbortSignal;
  settle(error?: unknown): void;
}

interface Queue {
  readonly waiting: Pending[];
  /** Aborted when nobody waits for the lock any more. */
  unwanted: AbortController;
}

/** An {@link ArchiveWriter}. @param lockTimeoutMs longest wait for other processes */
export function createArchiveWriter(lockTimeoutMs: number): ArchiveWriter {
  const queues = new Map<string, Queue>();
  return {
    async change(path, changes, { what, signal }) {
      const archive = await realArchive(path);
      signal.throwIfAborted();
      const queue = queues.get(archive) ?? { waiting: [], unwanted: new AbortController() };
      const done = enqueue(queue, { changes, what, signal });
      if (!queues.has(archive)) {
        queues.set(archive, queue);
        void work(archive, queue, { lockTimeoutMs, onIdle: () => queues.delete(archive) });
      }
      await done;
    },
  };
}

async function enqueue(queue: Queue, wanted: Omit<Pending, 'settle'>): Promise<void> {
  const { signal } = wanted;
  const { waiting } = queue;
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      const place = waiting.indexOf(pending);
      if (place === -1) return;
      waiting.splice(place, 1);
      if (waiting.length === 0) queue.unwanted.abort();
      pending.settle();
    };
    const pending: Pending = {
      ...wanted,
      settle(error) {
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted) reject(signal.reason);
        else if (error === undefined) resolve();
        else reject(error);
      },
    };
    signal.addEventListener('abort', onAbort);
    waiting.push(pending);
  });
}

interface Working {
  readonly lockTimeoutMs: number;
  onIdle(): void;
}

async function work(archive: string, queue: Queue, { lockTimeoutMs, onIdle }: Working): Promise<void> {
  const { waiting } = queue;
  while (waiting.length > 0) {
    let batch: readonly Pending[] = waiting;
    queue.unwanted = new AbortController();
    const { signal } = queue.unwanted;
    try {
      await mkdir(dirname(archive), { recursive: true });
      const lock = await takeLock(lockPathOf(archive), { signal, timeoutMs: lockTimeoutMs });
      let refused: ReadonlyMap<MemberChange, SluiceError>;
      try {
        batch = waiting.splice(0);
        refused = await commit(archive, batch, lock);
      } finally {
        await lock.release();
      }
      for (const { changes, settle } of batch) {
        settle(changes.map((change) => refused.get(change)).find((problem) => problem !== undefined));
      }
    } catch (error) {
      if (signal.aborted && batch === waiting) continue;
      for (const { settle } of batch === waiting ? waiting.splice(0) : batch)
        settle(localFailure(`write ${archive}`, error));
    }
  }
  onIdle();
}

async function commit(
  archive: string,
  batch: readonly Pending[],
  lock: FileLock,
): Promise<ReadonlyMap<MemberChange, SluiceError>> {
  const wanted = batch.filter(({ signal }) => !signal.aborted);
  const [first] = wanted;
  if (first === undefined) return new Map();
  const { what } = first;
  const confirm = async () => {
    if (await lock.isHeld()) return;
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: another process has taken the lock of ${archive}`);
  };
  const changes = wanted.flatMap((pending) => pending.changes);
  return whileWanted(wanted, (signal) => rewriteArchive(archive, changes, { what, signal, confirm }));
}

/** Runs a step for several until all of them have given up. */
async function whileWanted<T>(by: readonly Pending[], step: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const unwanted = new AbortController();
  const check = () => {
    if (by.every(({ signal }) => signal.aborted)) unwanted.abort(by[0]?.signal.reason);
  };
  for (const { signal } of by) signal.addEventListener('abort', check);
  check();
  try {
    return await step(unwanted.signal);
  } finally {
    for (const { signal } of by) signal.removeEventListener('abort', check);
  }
}

// Beside the archive, so that all who share its disk share the lock; short, whatever the archive's name.
function lockPathOf(archive: string): string {
  return join(dirname(archive), `.sluice-${shortHash(basename(archive))}.lock`);
}
