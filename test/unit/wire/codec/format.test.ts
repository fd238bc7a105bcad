import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { decode, encode } from '../../../../src/wire/codec.js';

const hex = (value: unknown): string => Buffer.from(encode(value).bytes).toString('hex');
const message = (text: string): Uint8Array => new Uint8Array(Buffer.from(`01${text.replaceAll(' ', '')}`, 'hex'));

/** From the tables of https://github.com/msgpack/msgpack/blob/master/spec.md, shortest forms. */
const VECTORS: readonly (readonly [name: string, value: unknown, bytes: string])[] = [
  ['nil', null, 'c0'],
  ['false', false, 'c2'],
  ['true', true, 'c3'],
  ['positive fixint 0', 0, '00'],
  ['positive fixint 127', 127, '7f'],
  ['uint 8, smallest', 128, 'cc 80'],
  ['uint 8, largest', 255, 'cc ff'],
  ['uint 16, smallest', 256, 'cd 01 00'],
  ['uint 16, largest', 65535, 'cd ff ff'],
  ['uint 32, smallest', 65536, 'ce 00 01 00 00'],
  ['uint 32 above int32', 2 ** 31, 'ce 80 00 00 00'],
  ['uint 32, largest', 2 ** 32 - 1, 'ce ff ff ff ff'],
  ['uint 64, smallest', 2 ** 32, 'cf 00 00 00 01 00 00 00 00'],
  ['uint 64, largest safe', 2 ** 53 - 1, 'cf 00 1f ff ff ff ff ff ff'],
  ['negative fixint -1', -1, 'ff'],
  ['negative fixint -32', -32, 'e0'],
  ['int 8, first', -33, 'd0 df'],
  ['int 8, last', -128, 'd0 80'],
  ['int 16, first', -129, 'd1 ff 7f'],
  ['int 16, last', -32768, 'd1 80 00'],
  ['int 32, first', -32769, 'd2 ff ff 7f ff'],
  ['int 32, last', -(2 ** 31), 'd2 80 00 00 00'],
  ['int 64, first', -(2 ** 31) - 1, 'd3 ff ff ff ff 7f ff ff ff'],
  ['int 64, last safe', -(2 ** 53) + 1, 'd3 ff e0 00 00 00 00 00 01'],
  ['float 64 beyond integers', 2 ** 53, 'cb 43 40 00 00 00 00 00 00'],
  ['float 64', 1.5, 'cb 3f f8 00 00 00 00 00 00'],
  ['float 64, negative zero', -0, 'cb 80 00 00 00 00 00 00 00'],
  ['float 64, infinity', Number.POSITIVE_INFINITY, 'cb 7f f0 00 00 00 00 00 00'],
  ['fixstr, empty', '', 'a0'],
  ['fixstr', 'abc', 'a3 61 62 63'],
  ['fixstr of UTF-8', 'é', 'a2 c3 a9'],
  ['fixstr of a pair of surrogates', '😀', 'a4 f0 9f 98 80'],
  ['fixstr, longest', 'x'.repeat(31), `bf ${'78'.repeat(31)}`],
  ['str 8', 'x'.repeat(32), `d9 20 ${'78'.repeat(32)}`],
  ['str 8 whose characters would fit a fixstr', 'é'.repeat(31), `d9 3e ${'c3a9'.repeat(31)}`],
  ['str 16', 'x'.repeat(256), `da 01 00 ${'78'.repeat(256)}`],
  ['str 16 whose characters would fit a str 8', 'é'.repeat(255), `da 01 fe ${'c3a9'.repeat(255)}`],
  ['str 32', 'x'.repeat(65536), `db 00 01 00 00 ${'78'.repeat(65536)}`],
  ['bin 8', new Uint8Array([1, 2]), 'c4 02 01 02'],
  ['bin 16', new Uint8Array(256), `c5 01 00 ${'00'.repeat(256)}`],
  ['bin 32', new Uint8Array(65536), `c6 00 01 00 00 ${'00'.repeat(65536)}`],
  ['fixarray', [1, [2]], '92 01 91 02'],
  ['array 16', new Array(16).fill(0), `dc 00 10 ${'00'.repeat(16)}`],
  ['array 32', new Array(65536).fill(0), `dd 00 01 00 00 ${'00'.repeat(65536)}`],
  ['fixmap', { a: 1, b: {} }, '82 a1 61 01 a1 62 80'],
];

/** Our own extensions: they must not change within a version, as clients and workers of one version may differ. */
const EXTENSIONS: readonly (readonly [name: string, value: unknown, bytes: string])[] = [
  ['undefined', undefined, 'd4 00 00'],
  ['bigint', -258n, 'c9 00000003 01 01 0102'],
  ['lone surrogate', 'a\ud800', 'c9 00000004 02 6100 00d8'],
  ['date', new Date(1), 'd7 03 3ff0000000000000'],
  ['regexp', /a/g, 'c9 00000004 04 a161 a167'],
  ['url', new URL('x:y'), 'c9 00000004 05 a3 783a79'],
  ['map', new Map([[1, 2]]), 'c9 00000003 06 81 01 02'],
  ['set', new Set([1]), 'c9 00000002 07 91 01'],
  ['sparse array', holes(), 'c9 00000004 08 03 81 01 07'],
  [
    'typed array, aligned to 8 bytes of the message',
    new Uint16Array([258]),
    'c9 0000000b 09 05 07 00000000000000 0201',
  ],
  ['file', new DataFile('s3://b/k'), 'c9 00000009 0b a8 73333a2f2f622f6b'],
];

function holes(): number[] {
  const array: number[] = [];
  array[1] = 7;
  array.length = 3;
  return array;
}

describe('the bytes of a message', () => {
  test('begin with the wire version', () => {
    expect(hex(null)).toBe('01c0');
  });

  test.each([...VECTORS, ...EXTENSIONS])('of %s are as specified, and are read again', (_, value, bytes) => {
    const expected = `01${bytes.replaceAll(' ', '')}`;
    expect(hex(value)).toBe(expected);
    expect(decode(message(bytes))).toStrictEqual(value);
  });

  test('of a map 16 and a map 32 are as specified, and are read again', () => {
    for (const [count, head] of [
      [16, '01de0010'],
      [65536, '01df00010000'],
    ] as const) {
      const object = Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
      expect(hex(object).slice(0, head.length)).toBe(head);
      expect(decode(encode(object).bytes)).toStrictEqual(object);
    }
  });

  test.each([
    ['float 32', 'ca 3f c0 00 00', 1.5],
    ['a small number in a long form', 'cf 00 00 00 00 00 00 00 05', 5],
    ['a short string in a long form', 'db 00 00 00 01 61', 'a'],
    ['a short array in a long form', 'dd 00 00 00 01 01', [1]],
    ['an extension in its shortest form', 'd5 08 02 80', new Array(2)],
  ])('of another encoder may be %s', (_, bytes, value) => {
    expect(decode(message(bytes))).toStrictEqual(value);
  });
});
