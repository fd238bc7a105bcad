import { app, bash, type DataFile, type DataFlowKernel, file, type Io, ThreadPoolExecutor } from 'sluice';
import { expect, test } from 'vitest';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const inProcess = (): Promise<TemporaryRun> =>
  temporaryRun({ executors: [new ScriptedExecutor({ capacity: 4 })], asDefault: false });

/** The value after a macrotask: a future of it is not settled when it is passed on. */
function slow<T>(kernel: DataFlowKernel) {
  return app(
    async (value: T) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return value;
    },
    { name: 'slow', kernel },
  );
}

test('futures are found at any depth in arrays and plain objects, beside values that stay as they are', async () => {
  await using run = await inProcess();
  const value = slow<unknown>(run.kernel);
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const given = { a: [value(1), { b: [[value('two')], null] }], c: undefined, d: new Date(3) };
  expect(await whole(given)).toEqual({ a: [1, { b: [['two'], null] }], c: undefined, d: new Date(3) });
});

test('futures are found in Maps, as keys and as values, and in Sets', async () => {
  await using run = await inProcess();
  const value = slow<unknown>(run.kernel);
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const map = new Map<unknown, unknown>([
    [value('key'), new Set([value(1), 2])],
    ['plain', new Map([[value('deep'), [value(3)]]])],
  ]);
  const expected = new Map<unknown, unknown>([
    ['key', new Set([1, 2])],
    ['plain', new Map([['deep', [3]]])],
  ]);
  expect(await whole(map)).toEqual(expected);
});

test('futures that are done before the call, and after it, are the same to it', async () => {
  await using run = await inProcess();
  const value = slow<number>(run.kernel);
  const add = app((a: number, b: number) => a + b, { name: 'add', kernel: run.kernel });
  const early = value(1);
  await early;
  expect(await add(early, value(2))).toBe(3);
});

test('one future used many times is one dependency, and is sent once', async () => {
  const executor = new ScriptedExecutor();
  await using run = await temporaryRun({ executors: [executor], asDefault: false });
  const one = slow<number>(run.kernel)(5);
  const sum = app((xs: number[], more: { x: number }) => xs.reduce((a, b) => a + b, more.x), {
    name: 'sum',
    kernel: run.kernel,
  });
  expect(await sum(Array(100).fill(one), { x: one })).toBe(505);
  expect(executor.submitted.at(-1)?.slots).toHaveLength(1);
});

test('a diamond gives the value that its four tasks make', async () => {
  await using run = await inProcess();
  const value = slow<number>(run.kernel);
  const plus = app((a: number, b: number) => a + b, { name: 'plus', kernel: run.kernel });
  const top = value(1);
  expect(await plus(plus(top, 10), plus(top, 100))).toBe(112);
});

test('a pipeline and a map-reduce over nested futures', async () => {
  await using run = await inProcess();
  const square = app((n: number) => n * n, { name: 'square', kernel: run.kernel });
  const total = app((parts: readonly number[]) => parts.reduce((a, b) => a + b, 0), {
    name: 'total',
    kernel: run.kernel,
  });
  expect(await total([1, 2, 3, 4].map((n) => square(n)))).toBe(30);
  expect(await square(square(square(2)))).toBe(256);
});

test('a chain 20,000 deep does not overflow the stack', async () => {
  await using run = await inProcess();
  const next = app((n: number) => n + 1, { name: 'next', kernel: run.kernel });
  let last = next(0);
  for (let depth = 1; depth < 20_000; depth++) last = next(last);
  expect(await last).toBe(20_000);
});

test('a chain 20,000 deep whose first task fails ends whole, its root cause first', async () => {
  await using run = await inProcess();
  const fail = app(
    (): number => {
      throw new Error('at the bottom');
    },
    { name: 'fail', kernel: run.kernel },
  );
  const next = app((n: number) => n + 1, { name: 'next', kernel: run.kernel });
  let last = next(fail());
  for (let depth = 1; depth < 20_000; depth++) last = next(last);
  const expected = /^at the bottom \[task 0 'fail'\]; so task 20000 'next' was not run/;
  await expect(last).rejects.toThrow(expected);
});

test('a fan-in 20,000 wide does not overflow the stack', async () => {
  await using run = await inProcess();
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  const count = app((xs: readonly number[]) => xs.length, { name: 'count', kernel: run.kernel });
  expect(await count(Array.from({ length: 20_000 }, () => one()))).toBe(20_000);
});

test('a fan-out 20,000 wide waits for its one future', async () => {
  await using run = await inProcess();
  const value = slow<number>(run.kernel);
  const plus = app((a: number, b: number) => a + b, { name: 'plus', kernel: run.kernel });
  const first = value(1);
  const sums = Array.from({ length: 20_000 }, (_, index) => plus(first, index));
  expect((await Promise.all(sums)).at(-1)).toBe(20_000);
});

test('a DataFuture is a dependency like any other, as an argument and as an input', async () => {
  await using run = await inProcess();
  const write = bash((text: string, io: Io) => io.sh`printf %s ${text} > ${io.outputs[0]}`, {
    name: 'write',
    kernel: run.kernel,
  });
  const read = app(
    async (from: DataFile) => {
      const { readFile } = await import('node:fs/promises');
      return readFile(from.path, 'utf8');
    },
    { name: 'read', kernel: run.kernel },
  );
  const concat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'concat', kernel: run.kernel });
  const parts = ['one ', 'two'].map((text, index) => write(text, { outputs: [`${run.folder}/part-${index}`] }));
  const whole = concat({
    inputs: parts.map((part) => part.outputs[0]),
    outputs: [file(`${run.folder}/whole`)],
  });
  expect(await read(whole.outputs[0])).toBe('one two');
  expect((await whole.outputs[0]).path).toBe(`${run.folder}/whole`);
});

test('the future of an app that returns a file is an input too', async () => {
  await using run = await inProcess();
  const { writeFile, readFile } = await import('node:fs/promises');
  await writeFile(`${run.folder}/source`, 'text');
  const same = app((from: DataFile) => from, { name: 'same', kernel: run.kernel });
  const copy = bash((io) => io.sh`cp ${io.inputs[0]} ${io.outputs[0]}`, { name: 'copy', kernel: run.kernel });
  await copy({ inputs: [same(file(`${run.folder}/source`))], outputs: [`${run.folder}/copy`] });
  expect(await readFile(`${run.folder}/copy`, 'utf8')).toBe('text');
});

test('a DataFuture names its file and its task before either is there, and fails as its task does', async () => {
  await using run = await inProcess();
  const fail = bash(() => 'exit 9', { name: 'fail', kernel: run.kernel });
  const future = fail({ outputs: [`${run.folder}/never`] });
  const output = future.outputs[0];
  expect(output.url).toBe(file(`${run.folder}/never`).url);
  expect(output.taskId).toBe(future.taskId);
  await expect(output).rejects.toMatchObject({ code: 'BASH_EXIT', exitCode: 9 });
});

test('outputs mirror what the call declared, each the same object every time', async () => {
  await using run = await inProcess();
  const touch = bash((io) => io.sh`touch ${io.outputs}`, { name: 'touch', kernel: run.kernel });
  const future = touch({ outputs: [`${run.folder}/a`, `${run.folder}/b`] });
  expect(future.outputs.map((output) => output.file.filename)).toEqual(['a', 'b']);
  expect(future.outputs[0]).toBe(future.outputs[0]);
  expect(await Promise.all(future.outputs)).toHaveLength(2);
});

test('a future made by another kernel works as a dependency', async () => {
  await using first = await inProcess();
  await using second = await inProcess();
  const value = slow<number>(first.kernel);
  const double = app((n: number) => n * 2, { name: 'double', kernel: second.kernel });
  expect(await double(value(21))).toBe(42);
});

test('what the client does to a value does not change it for tasks that are still to come', async () => {
  await using run = await inProcess();
  // Large enough that it would be a view of the message it came in.
  const make = app((size: number) => ({ list: [1], bytes: new Uint8Array(size) }), {
    name: 'make',
    kernel: run.kernel,
  });
  const read = app((x: { list: number[]; bytes: Uint8Array }) => [x.list.length, x.bytes[0]], {
    name: 'read',
    kernel: run.kernel,
  });
  const made = make(200_000);
  const mine = await made;
  mine.list.push(2);
  mine.bytes[0] = 9;
  expect(await read(made)).toEqual([1, 0]);
});

test('what a task does to an argument does not change it for others', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const make = app((size: number) => new Uint8Array(size), { name: 'make', kernel: run.kernel });
  const spoil = app((bytes: Uint8Array) => bytes.fill(9)[0], { name: 'spoil', kernel: run.kernel });
  const read = app((bytes: Uint8Array) => bytes[0], { name: 'read', kernel: run.kernel });
  const made = make(200_000);
  expect(await spoil(made)).toBe(9);
  expect(await read(made)).toBe(0);
});

test('an argument that leads back to itself is refused at the call, with its path', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const circular: { list: unknown[] } = { list: [] };
  circular.list.push({ back: circular });
  const call = () => (whole as (...args: unknown[]) => unknown)(1, circular);
  expect(call).toThrow(expect.objectContaining({ code: 'NOT_SENDABLE', class: 'usage' }));
  expect(call).toThrow('argument 1 .list[0].back: a circular reference to argument 1 cannot be sent');
  expect(run.kernel.stats().byApp).toEqual({});
});
