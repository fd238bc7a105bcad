import type { SluiceError } from '../errors.js';
import { type BlockInfo, hasFailed } from './block.js';
import { blocksFailed } from './failure-message.js';

/** What an error handler judges by. */
export interface BlockHistory {
  /** Name of the provider. */
  readonly provider: string;
  readonly initBlocks: number;
  /** By number, `block-10` after `block-9`: every block that lives, and the latest that have ended. */
  readonly blocks: readonly BlockInfo[];
  /** Whether a manager of any block has ever connected. */
  readonly everWorked: boolean;
}

/**
 * Decides whether blocks can still be hoped for: the error that waiting tasks fail with, or `undefined` to go on.
 *
 * Called each time a block has failed (see {@link hasFailed}). Pure and synchronous; {@link blocksFailed} makes an error.
 */
export type BlockErrorHandler = (history: BlockHistory) => SluiceError | undefined;

/** The handlers that come with it, under Parsl's names. */
export type ErrorHandlerName = 'none' | 'simple' | 'windowed';

/** Goes on for ever: for clusters whose blocks fail now and then. The pauses between trials still grow. */
export const noErrorHandler: BlockErrorHandler = () => undefined;

/** Gives up when every block so far has failed, at least max(1, `initBlocks`) of them, and none has ever worked. */
export const simpleErrorHandler: BlockErrorHandler = (history) => {
  const judged = history.blocks.filter(isEvidence);
  const failed = judged.filter(hasFailed);
  if (history.everWorked || failed.length < judged.length || failed.length < Math.max(1, history.initBlocks)) {
    return undefined;
  }
  return blocksFailed(`none of ${counted(failed.length)} could be started`, failed, history.provider);
};

/**
 * Gives up when the last `threshold` blocks, by number, have failed; not while a manager of another block is connected,
 * since tasks get done there.
 *
 * @param threshold default: 3
 */
export function windowedErrorHandler({ threshold = 3 }: { readonly threshold?: number } = {}): BlockErrorHandler {
  return (history) => {
    const last = history.blocks.filter(isEvidence).slice(-threshold);
    if (last.length < threshold || !last.every(hasFailed) || history.blocks.some(works)) return undefined;
    return blocksFailed(`the last ${counted(threshold)} failed`, last, history.provider);
  };
}

/** The built-in handlers by name. */
export const ERROR_HANDLERS: Readonly<Record<ErrorHandlerName, BlockErrorHandler>> = {
  none: noErrorHandler,
  simple: simpleErrorHandler,
  windowed: windowedErrorHandler(),
};

/** Blocks that were taken in before they had worked say nothing. */
function isEvidence({ state, connectedAtMs }: BlockInfo): boolean {
  return state.kind !== 'ended' || state.reason !== 'scaledIn' || connectedAtMs !== undefined;
}

function works({ state, managers }: BlockInfo): boolean {
  return state.kind === 'running' && managers > 0;
}

function counted(blocks: number): string {
  return blocks === 1 ? '1 block' : `${blocks} blocks`;
}
