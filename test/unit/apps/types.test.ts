import { type AppFuture, app, bash, type DataFile, type DataFuture, file, type Io, join } from 'sluice';
import { describe, expectTypeOf, test } from 'vitest';

// Nothing here is called: `tsc` checks it with the rest, and each line below @ts-expect-error has to be refused.
const count = app(async (text: DataFile, from: number) => `${text}`.length + from, { name: 'count' });
const upper = bash((source: DataFile, io: Io) => io.sh`tr a-z A-Z < ${source} > ${io.outputs[0]}`, { name: 'upper' });
const bare = bash((io) => io.sh`true`, { name: 'bare' });
const total = app((xs: number[], names: Map<string, number>) => xs.length + names.size, { name: 'total' });
const withIo = app((name: string, io: Io) => name + io.scratch, { name: 'with-io', io: true });

const never = (_: () => unknown): void => {};

describe('what the compiler infers', () => {
  test('the value of a future is what the function returns, awaited', () => {
    never(() => {
      expectTypeOf(count(file('a'), 1)).toEqualTypeOf<AppFuture<number>>();
      expectTypeOf(withIo('a').then((value) => value)).toEqualTypeOf<Promise<string>>();
      expectTypeOf(Promise.all([count(file('a'), 1), withIo('x')])).toEqualTypeOf<Promise<[number, string]>>();
      expectTypeOf(bare()).toExtend<PromiseLike<number>>();
    });
  });

  test('futures fit wherever their value does, at any depth', () => {
    never(() => {
      const one = count(file('a'), 1);
      count(file('a'), one);
      total([one, 3], new Map([['a', one]]));
      app((value: { readonly deep: ReadonlySet<number>[] }) => value)({ deep: [new Set([one, 2])] });
      app((rows: readonly { n: number }[]) => rows)([app(() => ({ n: 1 }))()]);
    });
  });

  test('a DataFuture fits wherever a DataFile does', () => {
    never(() => {
      const made = upper(file('a'), { outputs: ['b'] });
      count(made.outputs[0], 1);
      upper(made.outputs[0]);
      bare({ inputs: [made.outputs[0], 'c', file('d')] });
      expectTypeOf(made.outputs[0]).toEqualTypeOf<DataFuture>();
    });
  });

  test('outputs are a tuple of the length that the call declares', () => {
    never(() => {
      const { outputs } = upper(file('a'), { outputs: ['b', file('c')] });
      expectTypeOf(outputs).toEqualTypeOf<readonly [DataFuture, DataFuture]>();
      const many: string[] = [];
      expectTypeOf(bare.with({ outputs: many })().outputs).toEqualTypeOf<readonly DataFuture[]>();
      expectTypeOf(bare().outputs).toEqualTypeOf<readonly []>();
    });
  });

  test('a join has the type of what its body returns, its futures replaced by their values', () => {
    never(() => {
      const one = count(file('a'), 1);
      expectTypeOf(join((_: number, __: Io) => [one, one])(3)).toEqualTypeOf<AppFuture<number[], readonly []>>();
      expectTypeOf(join(() => one)()).toEqualTypeOf<AppFuture<number, readonly []>>();
      const shaped = join(async () => ({ one, list: [[one]], plain: 'x' }))();
      expectTypeOf(shaped).toEqualTypeOf<AppFuture<{ one: number; list: number[][]; plain: string }, readonly []>>();
      const files = join(() => bare({ outputs: ['x'] }).outputs)();
      expectTypeOf(files.then((value) => value)).toEqualTypeOf<Promise<[DataFile]>>();
    });
  });
});

describe('what the compiler refuses', () => {
  test('arguments of another type, too few and too many', () => {
    never(() => {
      // @ts-expect-error a string is no file
      count('a', 1);
      // @ts-expect-error a future of a string is no number
      count(file('a'), withIo('x'));
      // @ts-expect-error an argument is missing
      count(file('a'));
      // @ts-expect-error an argument too many
      count(file('a'), 1, 2);
      // @ts-expect-error strings are no numbers, also inside
      total(['x'], new Map());
    });
  });

  test('an output that was not declared', () => {
    never(() => {
      // @ts-expect-error there are only two
      upper(file('a'), { outputs: ['b', 'c'] }).outputs[2];
      // @ts-expect-error there are none
      bare().outputs[0];
    });
  });

  test('options that do not exist', () => {
    never(() => {
      // @ts-expect-error no such option of a call
      bare({ output: ['a'] });
      // @ts-expect-error no such option of an app
      app(() => 1, { cache: true });
      // @ts-expect-error a join is placed nowhere
      join(() => 1, { executors: ['a'] });
      // @ts-expect-error AUTO or a file
      bare({ stdout: 1 });
      // @ts-expect-error no such resource
      bare({ resources: { gpus: 1 } });
    });
  });

  test('what belongs to Io only, in an app without it', () => {
    never(() => {
      // @ts-expect-error the options of a call go through with
      count(file('a'), 1, { outputs: ['x'] });
      // @ts-expect-error a bash app returns a command
      bash(() => 5);
    });
  });
});
