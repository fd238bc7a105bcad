import { isOwnerAlive } from '../../run/owner.js';
import { breakLock, type Filler, readFiller } from './fill-lock.js';
import { watchFolder } from './watch-folder.js';

/** How waiting for another one's fetching has ended. */
export type Waited =
  /** It is over, or its filler was killed: look again. */
  | 'over'
  /** Its filler lives and gave it up, if the content is not there. */
  | 'gaveUp'
  /** Nothing has come for too long. */
  | 'stalled';

export interface WaitOptions {
  /** The pin of the task that waits. */
  readonly pin: string;
  readonly signal: AbortSignal;
  /** Longest time without progress, in milliseconds. */
  readonly stallMs: number;
}

/** How often to see whether the filler lives, and whether it makes progress: a file system does not tell of either. */
const LOOK_MS = 250;

/** Waits until the lock of an entry is not with who has it now. Rejects with `signal.reason` once aborted. */
export async function waitForFiller(entry: string, { pin, signal, stallMs }: WaitOptions): Promise<Waited> {
  const watch = watchFolder(entry);
  try {
    const first = await readFiller(entry);
    for (let filler = first; isOf(filler, first); filler = await readFiller(entry)) {
      if (!filler.isAlive && (await breakLock(entry, filler, pin))) return 'over';
      if (filler.isAlive && Date.now() - filler.heardOfMs > stallMs) return 'stalled';
      await watch.next(LOOK_MS, signal);
    }
    return first !== undefined && isOwnerAlive(first.name) ? 'gaveUp' : 'over';
  } finally {
    watch.close();
  }
}

function isOf(filler: Filler | undefined, first: Filler | undefined): filler is Filler {
  return filler !== undefined && filler.name === first?.name;
}
