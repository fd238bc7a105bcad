import { decode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';

/** The value itself: at once when it is inline, after a fetch when it is only referred to. */
export function decodeValue(value: EncodedValue, fetch: (url: string) => Promise<Uint8Array>): unknown {
  if (value.kind === 'inline') return decode(value.bytes);
  return fetch(value.url).then((bytes) => decode(bytes));
}
