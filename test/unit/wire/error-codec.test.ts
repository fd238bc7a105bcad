import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BashExitError, DependencyError, JoinError, SluiceError } from '../../../src/errors.js';
import { encode } from '../../../src/wire/codec.js';
import { decodeError, encodeError } from '../../../src/wire/error-codec.js';

type Fields = Error & Record<string, unknown>;
const roundTrip = (thrown: unknown): Fields => decodeError(encodeError(thrown, { app: 'count' })) as Fields;

class HttpError extends Error {
  override readonly name = 'HttpError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
  get status(): number {
    return 500;
  }
}

describe('built-in errors', () => {
  test.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    'keep their class, message and stack: %o',
    (Class) => {
      const error = new Class('bad');
      const copy = roundTrip(error);
      expect(Object.getPrototypeOf(copy)).toBe(Class.prototype);
      expect([copy.message, copy.name, copy.stack]).toStrictEqual(['bad', Class.name, error.stack]);
      expect([Object.keys(copy), 'remote' in copy]).toStrictEqual([[], false]);
    },
  );

  test('keep their causes and the errors of an AggregateError, each with its own stack', () => {
    const low = new RangeError('low');
    const copy = roundTrip(new AggregateError([low, 'text'], 'all', { cause: low })) as Fields & AggregateError;
    expect(copy).toBeInstanceOf(AggregateError);
    expect(copy.errors[0]).toBeInstanceOf(RangeError);
    expect([copy.errors[0].stack, copy.errors[1], (copy.cause as Error).stack]).toStrictEqual([
      low.stack,
      'text',
      low.stack,
    ]);
    expect(Object.keys(copy)).toStrictEqual([]);
  });

  test('of the system keep their fields', () => {
    const copy = roundTrip(thrownBy(() => readFileSync('/does/not/exist')));
    expect(copy).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open', path: '/does/not/exist' });
  });

  test('of Node keep the built-in class below their own', () => {
    const copy = roundTrip(thrownBy(() => Buffer.from(3 as unknown as string)));
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' });
  });
});

describe('SluiceErrors', () => {
  const cause = new RangeError('root');
  test.each<[new (...args: never[]) => SluiceError, SluiceError]>([
    [SluiceError, new SluiceError('WORKER_LOST', 'gone', { cause, class: 'usage' })],
    [BashExitError, new BashExitError({ app: 'sort', exitCode: 2, stderrTail: 'sort: no space' })],
    [DependencyError, new DependencyError('m', { taskId: 4, failedTaskIds: [1, 2], cause })],
    [JoinError, new JoinError('m', { taskId: 4, failedTaskIds: [1], cause })],
  ])('keep their class and all fields: %o', (Class, error) => {
    const copy = roundTrip(error);
    expect(Object.getPrototypeOf(copy)).toBe(Class.prototype);
    expect({ ...copy }).toStrictEqual({ ...error });
    expect([copy.message, copy.stack]).toStrictEqual([error.message, error.stack]);
    if (error.cause !== undefined) expect(copy.cause).toBeInstanceOf(RangeError);
  });

  test('of a class of its own are SluiceErrors still, for whoever reads code and class', () => {
    class QuotaError extends SluiceError {
      readonly quota = 7;
    }
    const copy = roundTrip(new QuotaError('THROTTLED', 'slow down'));
    expect(Object.getPrototypeOf(copy)).toBe(SluiceError.prototype);
    expect(copy).toMatchObject({ code: 'THROTTLED', class: 'infrastructure', quota: 7 });
  });
});

describe('errors of other classes', () => {
  test('arrive as plain Errors with name, own fields, cause and remote stack', () => {
    const error = Object.assign(new HttpError('no', { cause: new HttpError('inner') }), { retryAfter: new Date(5) });
    const copy = roundTrip(error);
    expect(Object.getPrototypeOf(copy)).toBe(Error.prototype);
    expect([copy.name, copy.message, copy.stack]).toStrictEqual(['HttpError', 'no', error.stack]);
    expect(copy.retryAfter).toStrictEqual(new Date(5));
    expect(copy.cause).toMatchObject({ name: 'HttpError', message: 'inner' });
    expect(copy.remote).toStrictEqual({ stack: error.stack });
    expect(Object.keys(copy)).toStrictEqual(['name', 'retryAfter']);
  });

  test('include DOMException', () => {
    const copy = roundTrip(thrownBy(() => AbortSignal.abort().throwIfAborted()));
    expect(copy).toBeInstanceOf(Error);
    expect([copy.name, copy.message]).toStrictEqual(['AbortError', 'This operation was aborted']);
  });
});

describe('what cannot be sent of an error', () => {
  test('is dropped and listed; the rest arrives', () => {
    const error = Object.assign(new Error('m', { cause: () => 1 }), {
      response: { socket: new WeakMap() },
      later: Promise.resolve(),
      status: 404,
    });
    Object.defineProperty(error, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const copy = roundTrip(error);
    expect(copy).toMatchObject({ message: 'm', status: 404, droppedFields: ['cause', 'response', 'later', 'broken'] });
    expect('cause' in copy).toBe(false);
  });

  test('is dropped from causes and from the errors of an AggregateError, too', () => {
    const inner = Object.assign(new Error('inner'), { handle: () => 1 });
    const copy = roundTrip(new AggregateError([1, () => 1, inner], 'm', { cause: inner })) as Fields & AggregateError;
    expect(copy.droppedFields).toStrictEqual(['errors[1]']);
    expect([copy.cause, ...copy.errors]).toMatchObject([
      { message: 'inner', droppedFields: ['handle'] },
      1,
      { message: 'inner', droppedFields: ['handle'] },
    ]);
  });

  test('is a cause that closes a circle', () => {
    const first = new Error('first');
    const second = new Error('second', { cause: first });
    first.cause = second;
    const copy = roundTrip(first);
    expect(copy).toMatchObject({ message: 'first', cause: { message: 'second', droppedFields: ['cause'] } });
  });

  test('is the end of a chain of more than 32 errors', () => {
    let error = new Error('0');
    for (let index = 1; index < 1000; index++) error = new Error(String(index), { cause: error });
    let length = 0;
    for (let link: unknown = roundTrip(error); link instanceof Error; link = link.cause) length++;
    expect(length).toBe(32);
  });

  test('is what remains of errors that share their causes a million times', () => {
    let error: Error = new Error('root');
    for (let index = 0; index < 30; index++)
      error = Object.assign(new Error(`${index}`, { cause: error }), { original: error });
    expect(encodeError(error, { app: 'count' }).length).toBeLessThan(2_000_000);
  });

  test('is all but strings and numbers when the parts are too deep together', () => {
    let deep: unknown = 0;
    for (let depth = 0; depth < 990; depth++) deep = [deep];
    let error = Object.assign(new Error('leaf'), { deep });
    for (let index = 0; index < 20; index++)
      error = Object.assign(new Error('m', { cause: error }), { deep: 1, code: 'E' });
    const copy = roundTrip(error);
    expect(copy).toMatchObject({ message: 'm', code: 'E', droppedFields: ['everything but strings and numbers'] });
  });

  test('may be everything', () => {
    const broken = new Proxy(new Error('m'), {
      get: () => {
        throw new Error('no');
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [broken, proxy]) {
      expect(roundTrip(thrown)).toMatchObject({
        code: 'NON_ERROR_THROWN',
        message: "app 'count' threw something that cannot be read: its own getters throw",
      });
    }
  });
});

describe('a thrown value that is no Error', () => {
  test.each<[unknown, string]>([
    [null, 'null'],
    [undefined, 'undefined'],
    ['boom', '"boom"'],
    ['x'.repeat(100), `"${'x'.repeat(57)}..."`],
    [42, '42'],
    [7n, '7'],
    [{ status: 404 }, 'an object'],
  ])('becomes the cause of a SluiceError: %o', (thrown, shown) => {
    const copy = roundTrip(thrown);
    expect(copy).toBeInstanceOf(SluiceError);
    expect(copy).toMatchObject({ code: 'NON_ERROR_THROWN', class: 'app' });
    expect(copy.message).toBe(`app 'count' threw ${shown}, which is not an Error: throw new Error(…) instead`);
    expect(copy.stack).toBe(`SluiceError: ${copy.message}`);
    expect(Object.hasOwn(copy, 'cause')).toBe(true);
    expect(copy.cause).toStrictEqual(thrown);
  });

  test('is left out where it cannot be sent', () => {
    for (const [thrown, shown] of [
      [() => 1, 'a function'],
      [Symbol('s'), 'Symbol(s)'],
      [Promise.resolve(), 'an object'],
    ]) {
      const copy = roundTrip(thrown);
      expect(copy.message).toMatch(`threw ${String(shown)}, which is not an Error`);
      expect(copy).toMatchObject({ droppedFields: ['cause'] });
    }
  });
});

test('a message of something else than an error is refused', () => {
  expect(() => decodeError(encode({ message: 'm' }).bytes)).toThrow('it should hold an error');
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('did not throw');
}
