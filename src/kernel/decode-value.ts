import { type DecodeOptions, decode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';

// The bytes may still be needed by other tasks: what the user does to the value must not change them.
const COPY = { binary: 'copy' } as const;

/** The value itself: at once when it is inline, after a fetch when it is only referred to. */
export function decodeValue(
  value: EncodedValue,
  fetch: (url: string) => Promise<Uint8Array>,
  onFile?: DecodeOptions['onFile'],
): unknown {
  const told = onFile === undefined || value.files.length === 0 ? undefined : { onFile };
  if (value.kind === 'inline') return decode(value.bytes, told === undefined ? COPY : { ...COPY, ...told });
  return fetch(value.url).then((bytes) => decode(bytes, told));
}
