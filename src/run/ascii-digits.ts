/** The three digits of each number below 1000, a byte each, the first one lowest: a division takes as long as a look here. */
const DIGITS = Uint32Array.from({ length: 1_000 }, (_, value) => {
  const [first, second, third] = Buffer.from(`${value}`.padStart(3, '0')) as unknown as [number, number, number];
  return first | (second << 8) | (third << 16);
});

/** Writes a whole number as JSON does, and answers with where it ends. */
export function writeInteger(bytes: Buffer, at: number, value: number): number {
  // Small enough for the arithmetic of integers, which is the faster one.
  if ((value | 0) !== value || value < 0 || value >= 1_000_000_000) return at + bytes.write(`${value}`, at);
  const thousands = (value / 1_000) | 0;
  if (thousands === 0) return writeFirst(bytes, at, value);
  const millions = (thousands / 1_000) | 0;
  const end =
    millions === 0
      ? writeFirst(bytes, at, thousands)
      : writeThree(bytes, writeFirst(bytes, at, millions), thousands - millions * 1_000);
  return writeThree(bytes, end, value - thousands * 1_000);
}

/** Writes a whole number below 1000 in three digits, and answers with where it ends. */
export function writeThree(bytes: Buffer, at: number, value: number): number {
  const digits = DIGITS[value] as number;
  bytes[at] = digits;
  bytes[at + 1] = digits >> 8;
  bytes[at + 2] = digits >> 16;
  return at + 3;
}

// The same without zeros before it.
function writeFirst(bytes: Buffer, at: number, value: number): number {
  if (value >= 100) return writeThree(bytes, at, value);
  const digits = DIGITS[value] as number;
  if (value < 10) {
    bytes[at] = digits >> 16;
    return at + 1;
  }
  bytes[at] = digits >> 8;
  bytes[at + 1] = digits >> 16;
  return at + 2;
}
