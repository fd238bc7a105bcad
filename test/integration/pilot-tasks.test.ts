import type { Io } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callOf } from '../../src/conformance/executor/calls.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { type PlayedInterchange, playInterchange, resultOf } from '../fixtures/pilot/played-interchange.js';

let interchange: PlayedInterchange;
beforeEach(async () => {
  interchange = await playInterchange();
  interchange.start();
  await interchange.registered();
});
afterEach(() => interchange[Symbol.asyncDispose]());

test('a manager says what it is, and nothing of it is missing', async () => {
  const registration = await interchange.registered();
  expect(registration).toMatchObject({
    blockId: 'block-0',
    pid: interchange.manager?.pid,
    node: process.version,
    slots: 2,
    share: { cores: 1, accelerators: 0 },
    prefetch: 16,
    accelerators: 0,
    holding: [],
  });
  expect(registration.packages).toMatchObject({ zod: expect.stringMatching(/^\d/) });
  expect(registration.memoryMiB).toBeGreaterThan(100);
});

test('values, errors and commands come back as they are', async () => {
  expect(await interchange.valueOf(callOf((a: number, b: number) => a + b, [2, 3]))).toBe(5);
  const thrown = await failureOf<Error>(
    interchange.valueOf(
      callOf(() => {
        throw new RangeError('too far');
      }, []),
    ),
  );
  expect(thrown).toBeInstanceOf(RangeError);
  expect(thrown.message).toBe('too far');
  expect(await interchange.valueOf(callOf((io: Io) => io.sh`test -d ${io.scratch}`, [], { kind: 'bash' }))).toBe(0);
  expect(await failureOf(interchange.valueOf(callOf((_: Io) => 'exit 3', [], { kind: 'bash' })))).toMatchObject({
    code: 'BASH_EXIT',
    exitCode: 3,
  });
});

test('many small tasks come back, each once', async () => {
  const square = (value: number) => value * value;
  const sent = interchange.submitAll(Array.from({ length: 3_000 }, (_, value) => callOf(square, [value])));
  const values = await Promise.all(sent.map(async ({ outcome }) => resultOf(await outcome)));
  expect(values).toEqual(Array.from({ length: 3_000 }, (_, value) => value * value));
  expect(interchange.results).toHaveLength(3_000);
});

test('what waits at a manager goes by priority, the lowest number first', async () => {
  const note = async (path: string, text: string) => (await import('node:fs')).appendFileSync(path, text);
  const file = `${interchange.folder}/order`;
  const blockers = interchange.submitAll(
    [1, 2].map(() => callOf(() => new Promise((resolve) => setTimeout(resolve, 500)), [])),
    {
      needs: { cores: 2 },
    },
  );
  const later = [3, 1, 2].map((priority) =>
    interchange.submit(callOf(note, [file, `${priority}`]), { priority, needs: { cores: 2 } }),
  );
  await Promise.all([...blockers, ...later].map(({ outcome }) => outcome));
  expect(
    await interchange.valueOf(
      callOf(async (path: string) => (await import('node:fs')).readFileSync(path, 'utf8'), [file]),
    ),
  ).toBe('123');
});
