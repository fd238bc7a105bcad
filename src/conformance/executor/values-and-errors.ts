import assert from 'node:assert/strict';
import { errorClassOf, type SluiceError } from '../../errors.js';
import { callOf, SlotMarker } from './calls.js';
import type { Check } from './fixture.js';
import { errorOf, resultOf, run, wholeResultOf } from './outcomes.js';

/** Arguments, values and errors cross the wire. */
export function valuesAndErrors(check: Check): void {
  check('a function gets its arguments and its value comes back', async ({ executor }) => {
    const outcome = await run(
      executor,
      callOf((a: number, b: string) => ({ a: a + 1, b: [b, undefined] }), [1, 'x']),
    );
    assert.deepEqual(resultOf(outcome), { a: 2, b: ['x', undefined] });
  });
  check('an async function is awaited', async ({ executor }) => {
    assert.equal(
      resultOf(
        await run(
          executor,
          callOf(async (n: number) => n * 2, [21]),
        ),
      ),
      42,
    );
  });
  check("Node's own modules can be imported inside", async ({ executor }) => {
    const call = callOf(async () => (await import('node:path')).posix.join('a', 'b'), []);
    assert.equal(resultOf(await run(executor, call)), 'a/b');
  });
  check('values cross the wire with their types', async ({ executor }) => {
    const value = [new Map([['k', new Set([1n])]]), new Date(5), new Uint8Array([1, 2]), /x/gi, new URL('http://h/p')];
    assert.deepEqual(
      resultOf(
        await run(
          executor,
          callOf((x: unknown) => x, [value]),
        ),
      ),
      value,
    );
  });
  check('a slot arrives as the value that stands in it', async ({ executor }) => {
    const call = callOf((x: { inner: number[] }) => x.inner.length, [{ inner: new SlotMarker(0) }], {
      slots: [[1, 2, 3]],
    });
    assert.equal(resultOf(await run(executor, call)), 3);
  });
  check(
    'an error of the app is an outcome, with its class, fields, cause and the remote stack',
    async ({ executor }) => {
      const call = callOf(() => {
        throw Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { limit: 7 });
      }, []);
      const error = errorOf(await run(executor, call)) as RangeError & { limit: number };
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'too far');
      assert.equal(error.limit, 7);
      assert.ok(error.cause instanceof TypeError);
      assert.match(error.stack ?? '', /too far/);
      assert.equal(errorClassOf(error), 'app');
    },
  );
  for (const thrown of [null, 'a string', 42]) {
    check(`throwing ${JSON.stringify(thrown)} is an error that says so`, async ({ executor }) => {
      const call = callOf(
        (value: unknown) => {
          throw value;
        },
        [thrown],
      );
      const error = errorOf(await run(executor, call)) as SluiceError;
      assert.equal(error.code, 'NON_ERROR_THROWN');
      assert.equal(error.cause, thrown);
    });
  }
  check('a result that cannot be sent is refused with its path', async ({ executor }) => {
    const error = errorOf(
      await run(
        executor,
        callOf(() => ({ deep: [() => 1] }), []),
      ),
    ) as SluiceError;
    assert.equal(error.code, 'NOT_SENDABLE');
    assert.match(error.message, /\.deep\[0\]/);
  });
  check('a failure in one task leaves the next one alone', async ({ executor }) => {
    const failing = callOf(() => {
      throw new Error('no');
    }, []);
    const outcomes = await Promise.all(
      [1, 2, 3].flatMap((n) => [
        run(executor, failing),
        run(
          executor,
          callOf((x: number) => x, [n]),
        ),
      ]),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['error', 'value', 'error', 'value', 'error', 'value'],
    );
  });
  check('a 2 MiB argument and result arrive whole', async ({ executor, fetch }) => {
    const bytes = new Uint8Array(2 * 2 ** 20).map((_, index) => index % 251);
    const outcome = await run(
      executor,
      callOf((x: Uint8Array) => x, [bytes]),
    );
    const back = await wholeResultOf(outcome, fetch);
    assert.ok(Buffer.from(back as Uint8Array).equals(bytes));
  });
}
