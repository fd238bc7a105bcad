import { app, bash, join, type SluiceError, type TaskOptions } from 'sluice';
import { describe, expect, test } from 'vitest';
import { thrownBy } from '../../fixtures/kernel/failure-of.js';

const refusal = (call: () => unknown): SluiceError => {
  const error = thrownBy<SluiceError>(call);
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', class: 'usage' });
  return error;
};
const naming = (error: SluiceError, keys: readonly string[]): void => {
  for (const key of keys) expect(error.message).toContain(key);
};

describe('options of an app', () => {
  const wrong = {
    nam: 'x',
    cache: true,
    executors: [],
    walltimeMs: 0,
    resources: { gpus: 1, cores: -1 },
    priority: 'p',
  };
  const keys = ['nam', 'cache', 'executors', 'walltimeMs', 'resources', 'gpus', 'cores', 'priority'];

  test('all wrong ones are named at once, and the app', () => {
    const error = refusal(() => app(() => 1, { ...wrong, name: 'mine' } as object));
    naming(error, ["options of app 'mine'", ...keys]);
  });

  test('those of a bash app too', () => {
    naming(
      refusal(() => bash(() => 'true', wrong as object)),
      keys,
    );
  });

  test('a join has none that places a task', () => {
    const options = { name: 'j', executors: ['a'], resources: {}, priority: 1, walltimeMs: 5 };
    const error = refusal(() => join(() => 1, options));
    naming(error, ['executors', 'resources', 'priority', 'walltimeMs']);
  });

  test('an app needs a function', () => {
    for (const make of [app, bash, join]) {
      expect(refusal(() => (make as (fn: unknown) => unknown)('text')).message).toContain('not string');
      expect(refusal(() => (make as (fn: unknown) => unknown)(null)).message).toContain('not null');
    }
  });
});

test('what an MPI application runs on is checked when the app is made', () => {
  const right = { nodes: 2, ranks: 8, ranksPerNode: 4, launcherOptions: '--cpu-bind=cores' };
  app(() => 1, { name: 'mpi', resources: right });
  const wrong = { nodes: 0, ranks: 1.5, ranksPerNode: -1, launcherOptions: '', num_nodes: 2 };
  naming(
    refusal(() => app(() => 1, { name: 'mpi', resources: wrong } as object)),
    Object.keys(wrong),
  );
});

describe('options of a call', () => {
  const plain = app(() => 1, { name: 'plain' });
  const command = bash((io) => io.sh`true`, { name: 'command' });

  test('all wrong ones are named at once, and the app', () => {
    const wrong = {
      input: ['a'],
      inputs: [5, 'fine', ''],
      outputs: 'not a list',
      stdout: 7,
      walltimeMs: '5',
      label: 1,
      name: 'x',
      executors: ['a'],
    };
    const error = refusal(() => command(wrong as unknown as TaskOptions));
    naming(error, ["options of a call of app 'command'", 'input', 'inputs[0]', 'inputs[2]', 'outputs', 'stdout']);
    naming(error, ['walltimeMs', 'label', 'name', 'executors']);
    expect(error.message).not.toContain('inputs[1]');
  });

  test('with checks them before the call', () => {
    naming(
      refusal(() => plain.with({ nope: 1 } as object)),
      ["options of a call of app 'plain'", 'nope'],
    );
  });

  test('a walltime longer than timers can hold is refused, since it would be over at once', () => {
    refusal(() => plain.with({ walltimeMs: 2 ** 31 }));
    refusal(() => plain.with({ walltimeMs: Number.POSITIVE_INFINITY }));
  });

  test.each([
    7,
    ['a', 'b'],
    '',
    {},
    { file: 'a' },
    { append: true },
    { file: 7, append: true },
    { file: 'a', append: 'yes' },
    { file: 'a', append: true, mode: 'w' },
  ])('a stream that is %j is refused, saying what it may be', (stdout) => {
    const error = refusal(() => plain.with({ stdout, stderr: stdout } as unknown as TaskOptions));
    naming(error, ['at stdout', 'at stderr', 'AUTO, or one of these as { file, append }']);
  });

  test('nothing can be appended to an object or a page', () => {
    const error = refusal(() => plain.with({ stderr: { file: 's3://bucket/log', append: true } }));
    naming(error, ["stderr of app 'plain'", 's3://bucket/log', 'name a local file']);
  });

  test('one file cannot be replaced by one stream and appended to by the other', () => {
    const error = refusal(() => plain.with({ stdout: '/log', stderr: { file: '/log', append: true } }));
    naming(error, ['file:///log', 'say the same of both']);
    plain.with({ stdout: { file: '/log', append: true }, stderr: { file: '/log', append: true } });
    plain.with({ stdout: 'AUTO', stderr: { file: 'AUTO', append: true } });
  });

  test('a join has no use for what places a task', () => {
    const error = refusal(() => join(() => 1, { name: 'j' })({ walltimeMs: 5, priority: 1, stdout: 'AUTO' }));
    expect(error.message).toContain("app 'j' has no use for stdout, walltimeMs, priority");
  });

  test('a path that is no file name is refused, before anything runs', () => {
    refusal(() => command({ inputs: ['https://'] }));
  });
});
