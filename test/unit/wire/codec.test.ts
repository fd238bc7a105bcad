import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../src/data/data-file.js';
import { DependencyError, SluiceError } from '../../../src/errors.js';
import { decode, decodeCall, encode, encodeCall } from '../../../src/wire/codec.js';

const roundTrip = (value: unknown): unknown => decode(encode(value).bytes);

describe('values', () => {
  test.each<[string, unknown]>([
    ['an invalid date', new Date(Number.NaN)],
    ['large bigints of both signs', [2n ** 4000n, -(2n ** 4000n) + 1n, 0n]],
    ['strings that UTF-8 cannot carry', ['\ud800', 'a\udc00b', '\ufeffbom', '\ufffd', '\0']],
    ['keys that UTF-8 cannot carry', { '\ud800': 1, é: 2, ['k'.repeat(100)]: 3 }],
    ['flags of a RegExp', /a\/b/dgimsuy],
    ['maps and sets in each other', new Map<unknown, unknown>([[new Set([1]), new Map([[{ a: 1 }, Number.NaN]])]])],
    ['views with an offset', [new Uint16Array(new ArrayBuffer(10), 2, 3), new DataView(new ArrayBuffer(9), 3, 2)]],
    ['empty binary values', [new Uint8Array(), new Float64Array(), new ArrayBuffer(0)]],
  ])('keep %s', (_, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  test('keep an own __proto__ as data, and set no prototype', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    const copy = roundTrip(value) as object;
    expect(Object.getOwnPropertyDescriptor(copy, '__proto__')?.value).toStrictEqual({ polluted: true });
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect('polluted' in copy).toBe(false);
  });

  test('keep an array of 4 billion holes small', () => {
    const array: number[] = [];
    array[4_000_000_000] = 1;
    expect(encode(array).bytes.length).toBeLessThan(32);
    const copy = roundTrip(array) as number[];
    expect([copy.length, Object.keys(copy), copy[4_000_000_000]]).toStrictEqual([4_000_000_001, ['4000000000'], 1]);
  });

  test('become plain where structured clone makes them plain', () => {
    const bare = Object.assign(Object.create(null), { a: 1 });
    const accessors = Object.defineProperty(
      {
        [Symbol('s')]: 1,
        get b() {
          return 2;
        },
      },
      'hidden',
      { value: 3 },
    );
    expect(roundTrip([bare, accessors])).toStrictEqual([{ a: 1 }, { b: 2 }]);
    const bytes = roundTrip(Buffer.from('ab')) as Uint8Array;
    expect([bytes.constructor, ...bytes]).toStrictEqual([Uint8Array, 97, 98]);
  });

  test('of another realm arrive as ours', () => {
    const foreign: unknown = runInNewContext(
      '({ list: [1, , 3], map: new Map([[1, { a: /x/ }]]), at: new Date(5), bytes: new Float32Array([1]), e: new TypeError("m") })',
    );
    const copy = roundTrip(foreign) as { list: unknown; e: unknown };
    expect(copy).toMatchObject({ map: new Map([[1, { a: /x/ }]]), at: new Date(5), bytes: new Float32Array([1]) });
    expect([1 in (copy.list as object), copy.e instanceof TypeError]).toStrictEqual([false, true]);
  });

  test('that nest 1,000 deep are carried', () => {
    let value: unknown = 'leaf';
    for (let depth = 0; depth < 1000; depth++) value = depth % 2 === 0 ? { value } : new Map([[1, value]]);
    expect(roundTrip(value)).toStrictEqual(value);
  });
});

describe('binary values', () => {
  test('of 64 KiB and more are views of the message, smaller ones are not', () => {
    const large = encode(new Float64Array(8192)).bytes;
    expect((decode(large) as Float64Array).buffer).toBe(large.buffer);
    const small = encode(new Float64Array(8191)).bytes;
    expect((decode(small) as Float64Array).buffer).not.toBe(small.buffer);
  });

  test('are never views where copies are asked for', () => {
    const { bytes } = encode(new Uint8Array(100_000));
    expect((decode(bytes, { binary: 'copy' }) as Uint8Array).buffer).not.toBe(bytes.buffer);
  });

  test('are read from a message that starts at any offset', () => {
    const value = new Float64Array(10_000).fill(1.25);
    const { bytes } = encode(value);
    for (const offset of [0, 1, 4, 8]) {
      const shifted = new Uint8Array(bytes.length + offset);
      shifted.set(bytes, offset);
      expect(decode(shifted.subarray(offset))).toStrictEqual(value);
    }
  });
});

describe('messages', () => {
  test('own their memory', () => {
    const first = encode({ a: 'first' }).bytes;
    encode({ a: 'other' });
    expect(decode(first)).toStrictEqual({ a: 'first' });
    expect(first.buffer.byteLength).toBe(first.length);
  });

  test('can be larger than any before', () => {
    const value = { text: 'é'.repeat(3_000_000), bytes: new Uint8Array(5_000_000).fill(7), list: [1, 2, 3] };
    expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
  });

  test('written by a getter within another one do not disturb it', () => {
    const value = {
      get inner() {
        return encode({ deep: true }).bytes;
      },
      after: 1,
    };
    const copy = roundTrip(value) as { inner: Uint8Array; after: number };
    expect([decode(copy.inner), copy.after]).toStrictEqual([{ deep: true }, 1]);
  });

  test('after a refused one are as ever', () => {
    const file = new DataFile('s3://b/refused');
    expect(() => encode([file, { deep: [() => 1] }])).toThrow(SluiceError);
    expect(encode({ a: [1] })).toStrictEqual({ bytes: encode({ a: [1] }).bytes, files: [] });
  });
});

describe('errors as values', () => {
  test('keep class, message, stack, cause and own fields', () => {
    const cause = Object.assign(new RangeError('low'), { limit: 3 });
    const error = Object.assign(new TypeError('bad', { cause }), { details: { at: 1n } });
    const copy = roundTrip(error) as TypeError & { details: unknown };
    expect([copy.message, copy.stack, copy.name]).toStrictEqual(['bad', error.stack, 'TypeError']);
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy.cause).toBeInstanceOf(RangeError);
    expect(copy.cause).toMatchObject({ limit: 3 });
    expect(Object.keys(copy)).toStrictEqual(['details']);
    expect(copy.details).toStrictEqual({ at: 1n });
  });

  test('keep the errors of an AggregateError', () => {
    const copy = roundTrip(new AggregateError([new Error('a'), 'b'], 'both')) as AggregateError;
    expect(copy).toBeInstanceOf(AggregateError);
    expect(copy.errors).toStrictEqual([new Error('a'), 'b']);
  });

  test('are told apart by whether there is a cause', () => {
    const copies = roundTrip([new Error('x'), new Error('x', { cause: undefined })]) as Error[];
    expect(copies.map((copy) => Object.hasOwn(copy, 'cause'))).toStrictEqual([false, true]);
  });

  test('of Sluice keep their class', () => {
    const error = new DependencyError('m', { taskId: 3, failedTaskIds: [1], cause: new SluiceError('WALLTIME', 'w') });
    const copy = roundTrip(error);
    expect(copy).toBeInstanceOf(DependencyError);
    expect(copy).toMatchObject({ code: 'DEPENDENCY', class: 'app', taskId: 3, failedTaskIds: [1] });
  });
});

describe('files', () => {
  test('travel by URL, each named once and in order; the local path does not travel', () => {
    const a = new DataFile('s3://b/a').at('/tmp/secret-place');
    const b = new DataFile('s3://b/b c%2F');
    const { bytes, files } = encode({ b, list: [a, new Map([[b, a]])] });
    expect(files).toStrictEqual(['s3://b/b c%2F', 's3://b/a']);
    expect(Buffer.from(bytes).includes('secret-place')).toBe(false);
    const seen: string[] = [];
    const copy = decode(bytes, { onFile: (file) => seen.push(file.url) }) as { b: DataFile };
    expect(seen).toStrictEqual(['s3://b/b c%2F', 's3://b/a', 's3://b/b c%2F', 's3://b/a']);
    expect(copy.b).toBeInstanceOf(DataFile);
  });
});

describe('slots', () => {
  test('stand where futures stood, and are filled when the message is read', () => {
    const future = Object.assign(Promise.resolve(), { secret: () => 'never looked at' });
    const asked: object[] = [];
    const slotOf = (value: object) => asked.push(value) + 6;
    const { bytes } = encode({ a: [future], b: new Map([['k', future]]) }, { slotOf });
    expect(asked).toStrictEqual([future, future]);
    expect(decode(bytes, { slot: (index) => `slot ${index}` })).toStrictEqual({
      a: ['slot 7'],
      b: new Map([['k', 'slot 8']]),
    });
  });

  test('are refused where none may stand', () => {
    const { bytes } = encode([Promise.resolve()], { slotOf: () => 0 });
    expect(() => decode(bytes)).toThrow('a message that cannot be read: at byte 4, it has a slot where none may stand');
  });
});

describe('calls', () => {
  test('carry arguments and inputs', () => {
    const { bytes, files } = encodeCall([1, undefined, { a: 1 }], [new DataFile('s3://b/k')], {
      slotOf: () => undefined,
    });
    expect(files).toStrictEqual(['s3://b/k']);
    expect(decodeCall(bytes)).toMatchObject({ args: [1, undefined, { a: 1 }], inputs: [{ url: 's3://b/k' }] });
  });

  test('are told from other messages', () => {
    expect(() => decodeCall(encode([1, 2]).bytes)).toThrow('it should hold the arguments of a call');
  });

  test('name the argument or input that is refused', () => {
    const slotOf = () => undefined;
    expect(() => encodeCall([0, { f() {} }], [], { slotOf })).toThrow('argument 1 .f: a function cannot be sent');
    expect(() => encodeCall([], [0, Symbol('s')], { slotOf })).toThrow('input 1: Symbol(s) cannot be sent');
  });
});
