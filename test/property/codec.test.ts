import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { SluiceError } from '../../src/errors.js';
import { decode, decodeCall, encode, encodeCall } from '../../src/wire/codec.js';

/** UTF-16 as it comes: also lone surrogates. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

const scalar = fc.oneof(
  fc.constantFrom(null, undefined, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  text,
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(/a/g, /[/\\]\n/u, /(?<name>.)/dimsy),
);

const bytes = fc.uint8Array({ maxLength: 40 });
const binary = fc.oneof(
  bytes,
  bytes.map((data) => data.slice().buffer),
  bytes.map((data) => new DataView(data.slice().buffer, Math.min(1, data.length))),
  fc.constantFrom(1, 2, 4, 8).chain((width) => bytes.map((data) => viewOf(width, data))),
);

function viewOf(width: number, data: Uint8Array): ArrayBufferView {
  const memory = data.slice(0, data.length - (data.length % 8)).buffer;
  if (width === 1) return new Int8Array(memory);
  if (width === 2) return new Uint16Array(memory);
  return width === 4 ? new Int32Array(memory) : new BigUint64Array(memory);
}

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    scalar,
    binary,
    fc.array(tie('value')),
    fc.sparseArray(tie('value'), { maxNumElements: 5, maxLength: 50 }),
    fc.dictionary(
      fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', '0', 'length')),
      tie('value'),
      {
        noNullPrototype: false,
      },
    ),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
}));

/** Small messages of all kinds, to be broken. */
const message = fc
  .oneof(
    value,
    fc.record({
      error: text.map((said) => new TypeError(said, { cause: said })),
      url: fc.webUrl().map((url) => new URL(url)),
    }),
    text.map((key) => [new DataFile(`s3://bucket/k${key}`)]),
  )
  .map((each) => encode(each).bytes);

function readsOrRefuses(broken: Uint8Array): void {
  try {
    decode(broken, { slot: (index) => index });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'PROTOCOL') throw error;
  }
}

describe('a message', () => {
  test('gives what structured clone gives', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(isDeepStrictEqual(decode(encode(original).bytes), structuredClone(original))).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  test('carries any text exactly', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 300 }), (part, times) => {
        const long = part + 'x'.repeat(times) + part;
        return decode(encode(long).bytes) === long;
      }),
      { numRuns: 600 },
    );
  });

  test('means the same at any offset of its memory, and with copies asked for', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 9 }), (original, offset) => {
        const encoded = encode(original).bytes;
        const shifted = new Uint8Array(encoded.length + offset);
        shifted.set(encoded, offset);
        const copy = decode(shifted.subarray(offset), { binary: 'copy' });
        expect(isDeepStrictEqual(copy, structuredClone(original))).toBe(true);
      }),
    );
  });

  test('cut short is refused, wherever it is cut', () => {
    fc.assert(
      fc.property(message, (whole) => {
        for (let length = 0; length < whole.length; length++) {
          expect(() => decode(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
        }
      }),
    );
  });

  test('with bytes changed, added or removed is read or refused, and nothing else', () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), remove: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(message, fc.array(change, { minLength: 1, maxLength: 5 }), (whole, changes) => {
        const broken = [...whole];
        for (const { at, to, remove } of changes) broken.splice(1 + (at % whole.length), remove, to);
        readsOrRefuses(new Uint8Array(broken));
      }),
      { numRuns: 3000 },
    );
  });

  test('of random bytes is read or refused, and nothing else', () => {
    const head = fc.constantFrom(0xc4, 0xc6, 0xc7, 0xc9, 0xd4, 0xd6, 0xd7, 0xdb, 0xdd, 0xdf, 0x92, 0x82, 0xa3);
    const noise = fc.array(fc.oneof(head, fc.integer({ min: 0, max: 255 }), fc.nat({ max: 13 })), { maxLength: 60 });
    fc.assert(
      fc.property(noise, (rest) => readsOrRefuses(new Uint8Array([1, ...rest]))),
      { numRuns: 5000 },
    );
  });
});

describe('slots', () => {
  test('are filled exactly where futures stood, each with its own value', () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 5 }),
        fc.array(fc.nat({ max: 4 }), { maxLength: 8 }),
        (values, places) => {
          const futures = values.map((each) => Promise.resolve(each));
          const at = <T>(list: readonly T[]) =>
            places.filter((place) => place < list.length).map((place) => list[place]);
          const shape = <T>(list: readonly T[]) => [at(list), { deep: [new Map([['k', at(list)]]), new Set(list)] }];
          const { bytes: call } = encodeCall(shape(futures), [], {
            slotOf: (each) => {
              const index = futures.indexOf(each as Promise<unknown>);
              return index < 0 ? undefined : index;
            },
          });
          const { args } = decodeCall(call, { slot: (index) => values[index] });
          expect(isDeepStrictEqual(args, shape(values))).toBe(true);
        },
      ),
    );
  });
});

describe('files', () => {
  test('are named each once, in the order of their first place', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (numbers) => {
        const files = numbers.map((number) => new DataFile(`s3://bucket/${number}`));
        const encoded = encode({ files, again: new Set(files) });
        expect(encoded.files).toStrictEqual([...new Set(files.map((each) => each.url))]);
      }),
    );
  });
});
