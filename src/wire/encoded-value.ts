/**
 * A value in wire form that nobody needs to decode on its way: the bytes themselves when small, or the place where
 * they lie when large.
 */
export type EncodedValue =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array; readonly files: readonly string[] }
  | { readonly kind: 'reference'; readonly url: string; readonly size: number; readonly files: readonly string[] };
// `files`: URLs of the DataFiles inside the value, so that a client can see to them without decoding it.
