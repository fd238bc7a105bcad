const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Bytes, a multiple of four, as text: five digits of base 85 for each four (https://rfc.zeromq.org/spec/32/). */
export function encodeZ85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 4 <= bytes.byteLength; at += 4) {
    const word = bytes.readUInt32BE(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += DIGITS[Math.floor(word / power) % 85];
  }
  return text;
}
