import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../../src/errors.js';
import { encode } from '../../../../src/wire/codec.js';
import { nearTheEndOfTheStack } from './full-stack.js';

class S3Client {}
class Agent {}
class Registry extends Map<string, unknown> {}

function refusalOf(value: unknown, root = 'argument 0'): string {
  try {
    encode(value, { root });
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ code: 'NOT_SENDABLE', class: 'usage' });
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

const CREATE = 'create it inside the app, or send the plain data it is made from';
const DEFINE = 'define it inside the app, or import it there';

describe('what cannot be sent is refused by name, with what to do', () => {
  test.each<[unknown, string]>([
    [new S3Client(), `argument 0: an S3Client instance cannot be sent to a worker: ${CREATE}`],
    [new Agent(), `argument 0: an Agent instance cannot be sent to a worker: ${CREATE}`],
    [new Registry(), `argument 0: a Registry instance cannot be sent to a worker: ${CREATE}`],
    [new (class {})(), `argument 0: an unnamed class instance cannot be sent to a worker: ${CREATE}`],
    [Object.create(new Agent()), `argument 0: an Agent instance cannot be sent to a worker: ${CREATE}`],
    [() => 1, `argument 0: a function cannot be sent to a worker: ${DEFINE}`],
    [S3Client, `argument 0: a class cannot be sent to a worker: ${DEFINE}`],
    [
      Symbol('s'),
      'argument 0: Symbol(s) cannot be sent to a worker: a symbol is known to one process only; send a string',
    ],
    [
      new WeakMap(),
      'argument 0: a WeakMap cannot be sent to a worker: its entries cannot be listed; send a Map or a Set',
    ],
    [Promise.resolve(), 'argument 0: a Promise cannot be sent to a worker: await it first'],
    [
      Object.fromEntries([['then', () => 1]]),
      'argument 0: an object with a `then` method cannot be sent to a worker: await it first',
    ],
    [
      Readable.from(['a']),
      'argument 0: a Readable cannot be sent to a worker: read it to the end first, or send a file',
    ],
    [Object('text'), 'argument 0: a String cannot be sent to a worker: send its value, `x.valueOf()`'],
    [Object(1n), 'argument 0: a BigInt cannot be sent to a worker: send its value, `x.valueOf()`'],
    [
      new Uint8Array(new SharedArrayBuffer(1)),
      'argument 0: a SharedArrayBuffer cannot be sent to a worker: its memory cannot be shared between machines; ' +
        'send a copy, `new Uint8Array(buffer).slice()`',
    ],
  ])('%o', (value, message) => {
    expect(refusalOf(value)).toBe(message);
  });

  test('a result is not sent to a worker, but back from one', () => {
    expect(refusalOf({ a: new Agent() }, 'the result')).toBe(
      `the result .a: an Agent instance cannot be sent back from a worker: ${CREATE}`,
    );
  });
});

describe('the path of what cannot be sent', () => {
  const bad = new Agent();
  test.each<[string, unknown]>([
    ['.client:', { fine: 1, client: bad }],
    ['.a.b[3]:', { a: { b: [0, 1, 2, bad] } }],
    [
      '.get("key"):',
      new Map<string, unknown>([
        ['k', 1],
        ['key', bad],
      ]),
    ],
    ['.m.get(7).x:', { m: new Map([[7, { x: bad }]]) }],
    [
      '(map key 1):',
      new Map<unknown, unknown>([
        [1, 1],
        [bad, 1],
      ]),
    ],
    ['(map value 0):', new Map([[{}, bad]])],
    ['(set item 2):', new Set([1, 2, bad])],
    ['.s (set item 0).x:', { s: new Set([{ x: bad }]) }],
    ['["not a name"].größe:', { 'not a name': { größe: bad } }],
    ['[5]:', Object.assign([], { 5: bad })],
    ['.cause.client:', new Error('x', { cause: Object.assign(new Error('y'), { client: bad }) })],
    ['.errors[1]:', new AggregateError([1, bad])],
  ])('reads %s', (path, value) => {
    expect(refusalOf(value)).toMatch(`argument 0 ${path} an Agent instance cannot be sent to a worker`);
  });

  test('leaves out the middle of a long one', () => {
    let value: unknown = bad;
    for (let depth = 0; depth < 100; depth++) value = [value];
    expect(refusalOf(value)).toMatch(`argument 0 ${'[0]'.repeat(12)} … ${'[0]'.repeat(4)}: an Agent`);
  });
});

describe('circular references', () => {
  test('are refused with both places', () => {
    const value: Record<string, unknown> = { list: [1, { deep: {} }] };
    const inner = { back: (value.list as unknown[])[1] };
    Object.assign((value.list as { deep: object }[])[1]?.deep ?? {}, { inner });
    expect(refusalOf(value)).toBe(
      'argument 0 .list[1].deep.inner.back: a circular reference to argument 0 .list[1] cannot be sent: ' +
        'break the circle, or send ids',
    );
  });

  test.each<[string, () => object]>([
    [
      'an array',
      () => {
        const array: unknown[] = [];
        array.push(array);
        return array;
      },
    ],
    [
      'a sparse array',
      () => {
        const array: unknown[] = [];
        array[2] = array;
        return array;
      },
    ],
    [
      'a Map',
      () => {
        const map = new Map<unknown, unknown>();
        return map.set(map, 1);
      },
    ],
    [
      'a Set',
      () => {
        const set = new Set<unknown>();
        return set.add(set);
      },
    ],
    [
      'an error',
      () => {
        const error = new Error('x');
        error.cause = { error };
        return error;
      },
    ],
  ])('are found in %s', (_, create) => {
    expect(refusalOf(create())).toMatch('a circular reference to argument 0 cannot be sent');
  });

  test('are not what an object in two places is', () => {
    const shared = { a: 1 };
    expect(() => encode([shared, shared, { shared }])).not.toThrow();
  });
});

describe('values too deep', () => {
  test.each([1001, 10_000, 100_000])('are refused at %i levels', (levels) => {
    let value: unknown = 0;
    for (let depth = 0; depth < levels; depth++) value = { value };
    expect(refusalOf(value)).toMatch(/: values nested more than 1000 deep cannot be sent: flatten them$/);
  });

  test('for what is left of the stack are refused, too', () => {
    let value: unknown = 0;
    for (let depth = 0; depth < 900; depth++) value = [value];
    expect(nearTheEndOfTheStack(() => refusalOf(value))).toMatch(
      'values nested too deep for the stack here cannot be sent',
    );
  });
});

describe('objects that fight back', () => {
  test('are refused where a getter throws, with its error as the cause', () => {
    const cause = new Error('not now');
    const value = {
      a: [
        {
          get b() {
            throw cause;
          },
        },
      ],
    };
    expect(refusalOf(value)).toBe('argument 0 .a[0].b: reading it failed: not now');
    expect(() => encode(value)).toThrow(expect.objectContaining({ cause }));
  });

  test('are refused where a getter changes the Map being sent', () => {
    const map = new Map<number, unknown>();
    map.set(1, {
      get more() {
        return map.set(2, 2).size;
      },
    });
    expect(refusalOf(map)).toBe('argument 0: a Map that a getter inside it changes cannot be sent: copy it first');
  });

  test('are refused where they only look like a built-in', () => {
    expect(refusalOf([Object.create(Map.prototype)])).toMatch('argument 0 [0]: reading it failed: ');
  });
});
