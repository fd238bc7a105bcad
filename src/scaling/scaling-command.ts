import type { SluiceError } from '../errors.js';
import type { BlockInfo } from './block.js';

/** What is to be done; the supervisor does it and tells its controller how it went. */
export type ScalingCommand =
  | { readonly kind: 'submit'; readonly blockId: string }
  | { readonly kind: 'drain'; readonly blockId: string }
  | { readonly kind: 'cancel'; readonly jobIds: readonly string[] }
  | { readonly kind: 'report'; readonly block: BlockInfo }
  | { readonly kind: 'fail'; readonly error: SluiceError };
