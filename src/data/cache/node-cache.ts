import { messageOf } from '../../errors.js';
import { ownerName } from '../../run/owner.js';
import type { StageInTarget } from '../staging.js';
import { Budget, type BudgetState } from './budget.js';
import { type CacheFolder, cacheFolder } from './cache-folder.js';
import type { CacheSettings } from './cache-settings.js';
import { CachedInputs } from './cached-inputs.js';
import type { Verify } from './content.js';
import { FillingGroup } from './filling-group.js';

/** One content that a task needs. */
export interface WantedContent {
  /** Tells contents apart, in hexadecimal: made of the place and the identity of the file. */
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** What messages call it. */
  readonly name: string;
  /** What the task asked for: this file, or a folder with it. Absent: nobody wants to know what of it is here. */
  readonly asked?: string;
  /** A free path, where the task is to find it. */
  readonly suggestedPath: string;
  readonly signal: AbortSignal;
  /** Fetches it, and resolves with where it is, as a staging's `stageIn` does. */
  readonly fetch: (target: StageInTarget) => Promise<string>;
}

/**
 * The cache that all tasks of a node share, whatever thread, process or run they are of: a folder, and nothing that runs.
 * However many ask for a content at once, one of them fetches it, and the others wait for that one.
 *
 * It never fails a task: where the folder cannot be used, or has no room, files are fetched as if there were no cache.
 */
export interface NodeCache {
  /** The folder of its entries. */
  readonly entries: string;
  /** The inputs of one attempt. `task`: what messages call it. */
  openFor(task: string): CachedInputs;
  /** What the cache holds now. */
  inspect(): Promise<BudgetState>;
  /** Stops what is being fetched for others still. */
  close(): Promise<void>;
}

/** What a cache is made of beside its settings; all of it has defaults. */
export interface NodeCacheOptions {
  /** In whose name it holds entries: from `ownerName`. */
  readonly owner?: string;
  /** Milliseconds since the epoch, which tell what was used last. */
  readonly now?: () => number;
  /** Whether CRC-32s of contents are noted, for other nodes that get them from this one. Default: false. */
  readonly notesCrc32?: boolean;
  /** A download that makes no progress for so long is waited for no more. Default: 2 min. */
  readonly stallMs?: number;
  /** Told why there is no cache, once. Default: a warning of the process. */
  readonly warn?: (message: string) => void;
}

/** What the parts of a cache have in common. */
export interface CacheContext {
  readonly folder: CacheFolder;
  readonly budget: Budget;
  readonly verify: Verify;
  readonly notesCrc32: boolean;
  readonly owner: string;
  readonly now: () => number;
  readonly stallMs: number;
  readonly fillings: FillingGroup;
  /** Told what keeps the folder from being used. */
  readonly onUnusable: (error: unknown) => void;
}

/** The cache in this machine's and user's folder below `settings.directory`. Nothing is made before it is needed. */
export function createNodeCache(settings: CacheSettings, options: NodeCacheOptions = {}): NodeCache {
  const owner = options.owner ?? ownerName();
  const folder = cacheFolder(settings, owner);
  const warn = options.warn ?? ((message: string) => process.emitWarning(message, 'SluiceWarning'));
  let hasWarned = false;
  const context: CacheContext = {
    folder,
    budget: new Budget(folder, settings.maxBytes),
    verify: settings.verify,
    notesCrc32: options.notesCrc32 ?? false,
    owner,
    now: options.now ?? (() => performance.timeOrigin + performance.now()),
    stallMs: options.stallMs ?? STALL_MS,
    fillings: new FillingGroup(),
    onUnusable(error) {
      if (!hasWarned) warn(`inputs are not shared by the tasks of this node: ${messageOf(error)}`);
      hasWarned = true;
    },
  };
  return {
    entries: folder.entries,
    openFor: (task) => new CachedInputs(context, task),
    inspect: () => context.budget.look(),
    close: () => context.fillings.close(),
  };
}

const STALL_MS = 120_000;
