import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../../src/errors.js';
import { decode, encode } from '../../../../src/wire/codec.js';
import { nearTheEndOfTheStack } from './full-stack.js';

const message = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function refusalOf(bytes: Uint8Array): string {
  try {
    decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ code: 'PROTOCOL', class: 'infrastructure' });
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

const CANNOT = 'a message that cannot be read: at byte';

describe('a broken message is refused with the offset', () => {
  test.each([
    ['an empty one', '', `${CANNOT} 0, it ends in the middle of a value`],
    ['another version', '02 c0', `${CANNOT} 1, it has wire version 2, and this side speaks version 1`],
    ['no value', '01', `${CANNOT} 1, it ends in the middle of a value`],
    ['bytes after the end', '01 c0 c0 c0', `${CANNOT} 2, it has 2 bytes after its end`],
    ['a reserved byte', '01 91 c1', `${CANNOT} 3, it has the byte 0xc1, which starts no value`],
    ['half a string', '01 a3 61', `${CANNOT} 2, it needs 3 bytes where 1 are left`],
    ['half a float', '01 cb 00 00', `${CANNOT} 2, it needs 8 bytes where 2 are left`],
    [
      'an array of 4 billion elements',
      '01 dd ffffffff 01 02',
      `${CANNOT} 6, it has 4294967295 elements in the 2 bytes left`,
    ],
    ['a map of 4 billion entries', '01 df ffffffff 01', `${CANNOT} 6, it has 4294967295 elements in the 1 bytes left`],
    ['a string of 4 GB', '01 db ffffffff 61', `${CANNOT} 6, it needs 4294967295 bytes where 1 are left`],
    ['a binary value of 4 GB', '01 c6 ffffffff 61', `${CANNOT} 6, it needs 4294967295 bytes where 1 are left`],
    ['an extension of 4 GB', '01 c9 ffffffff 01 00', `${CANNOT} 7, it needs 4294967295 bytes where 1 are left`],
    ['an unknown extension', '01 d4 63 00', `${CANNOT} 3, it has the extension type 99, which is not known here`],
    [
      'a negative extension',
      '01 d6 ff 00000000',
      `${CANNOT} 3, it has the extension type 255, which is not known here`,
    ],
    ['a key that is no string', '01 81 01 01', `${CANNOT} 3, it should have a string`],
    ['a string that is not UTF-8', '01 a2 c3 28', `${CANNOT} 4, it has a string that is not UTF-8`],
    ['an integer beyond 2^53', '01 cf 00 20 00 00 00 00 00 01', `${CANNOT} 10, it has an integer beyond 2^53`],
    ['an extension that is too long', '01 d5 00 00 00', `${CANNOT} 4, it has more bytes than its extension needs`],
    ['a value that leaves its extension', '01 c7 01 07 92 01 02', `${CANNOT} 5, it has 2 elements in the 0 bytes left`],
    ['a date that is too short', '01 d6 03 00000000', `${CANNOT} 3, it needs 8 bytes where 4 are left`],
    ['an unknown binary kind', '01 c7 02 09 63 00', `${CANNOT} 6, it has a binary kind that is not known here`],
    ['half an element', '01 c7 03 09 04 00 01', `${CANNOT} 6, it has half an element at the end of a typed array`],
    ['an index outside of its array', '01 c7 04 08 02 81 02 01', `${CANNOT} 7, it has an index outside of its array`],
    ['an array of negative length', '01 c7 02 08 ff 80', `${CANNOT} 5, it has an array of an impossible length`],
    ['an error that is none', '01 c7 01 0a 90', `${CANNOT} 5, it should have an error`],
  ])('%s', (_, bytes, expected) => {
    expect(refusalOf(message(bytes))).toBe(expected);
  });

  test.each([
    ['a RegExp', '01 c7 03 04 a1 28 a0', 'has a RegExp that this Node does not know: Invalid regular expression'],
    ['a URL', '01 c7 02 05 a1 61', 'has a URL that is none: Invalid URL'],
    ['a file by a bare path', '01 c7 03 0b a2 2f 61', 'has a file that is none: /a is not in its normal form'],
  ])('%s that is none', (_, bytes, expected) => {
    expect(refusalOf(message(bytes))).toContain(expected);
  });
});

describe('a hostile message', () => {
  test.each([
    ['arrays', 0x91],
    ['maps', 0x81],
  ])('of a million nested %s is refused', (_, head) => {
    const bytes = new Uint8Array(1_000_000).fill(head);
    bytes[0] = 1;
    if (head === 0x81) for (let index = 2; index < bytes.length; index += 2) bytes[index] = 0xa0;
    expect(refusalOf(bytes)).toMatch('it nests more than 1000 deep');
  });

  test('whose arrays each claim all that is left takes no memory for it', () => {
    const bytes = new Uint8Array(2_000_000);
    bytes[0] = 1;
    const view = new DataView(bytes.buffer);
    for (let at = 1; at < 900 * 5; at += 5) {
      view.setUint8(at, 0xdd);
      view.setUint32(at + 1, bytes.length - at - 5);
    }
    const before = process.memoryUsage().rss;
    refusalOf(bytes);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  test('with a nearly full stack is refused', () => {
    let value: unknown = 0;
    for (let depth = 0; depth < 900; depth++) value = new Map([[1, value]]);
    const { bytes } = encode(value);
    expect(nearTheEndOfTheStack(() => refusalOf(bytes))).toMatch('nests deeper than the stack here');
  });

  test('cannot set a prototype', () => {
    const value = decode(message('01 81 a9 5f5f70726f746f5f5f 81 a1 61 01')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    const error = decode(
      message('01 c7 1f 0a 98 a5 4572726f72 c3 a1 61 a1 62 a1 63 81 a9 5f5f70726f746f5f5f 81 a1 61 01 90 c0'),
    ) as object;
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
  });
});
