import type { EncodedValue } from '../wire/encoded-value.js';

/** How a task ended: its value still in wire form, or the error its future rejects with. */
export type Settlement =
  | { readonly kind: 'value'; readonly value: EncodedValue }
  | { readonly kind: 'error'; readonly error: unknown; readonly cancelled: boolean };
