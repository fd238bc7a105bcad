/** The big-endian word of four bytes at an index that is there. Small frames are read byte by byte: a view of them costs more. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return (bytes[at] as number) * 2 ** 24 + low;
}
