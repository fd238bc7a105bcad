import { app, type Candidate, leastLoaded, type Placement, SluiceError, type TaskEnvelope } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { type Script, ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const twoExecutors = (script: Script = {}): [ScriptedExecutor, ScriptedExecutor] => [
  new ScriptedExecutor({ label: 'a', ...script }),
  new ScriptedExecutor({ label: 'b', ...script }),
];
const idsOf = (executor: ScriptedExecutor): number[] => executor.submitted.map(({ taskId }) => taskId);
const candidate = (label: string, outstanding: number, capacity: number): Candidate => ({
  label,
  load: () => ({ outstanding, capacity }),
});
const placement: Placement = { appName: 'x', attempt: 1, lastExecutor: undefined };

test('an app runs on the executors it names, and nowhere else', async () => {
  const [a, b] = twoExecutors();
  await using run = await temporaryRun({ executors: [a, b], asDefault: false });
  const onB = app(() => 1, { name: 'on-b', executors: ['b'], kernel: run.kernel });
  await Promise.all(Array.from({ length: 6 }, () => onB()));
  expect([a.submitted.length, b.submitted.length]).toEqual([0, 6]);
});

test('a label the kernel does not have is refused at the call, with those it has', async () => {
  await using run = await temporaryRun({ executors: twoExecutors(), asDefault: false });
  const lost = app(() => 1, { name: 'lost', executors: ['gpu', 'b', 'hpc'], kernel: run.kernel });
  const error = thrownBy<SluiceError>(lost);
  expect(error).toMatchObject({ code: 'UNKNOWN_LABEL', class: 'usage' });
  expect(error.message).toBe("app 'lost' asks for executor 'gpu', 'hpc'; this kernel has 'a', 'b'");
});

test('labels that more than one executor has are all named, and nothing is started', async () => {
  const executors = ['a', 'b', 'a', 'c', 'b', 'a'].map((label) => new ScriptedExecutor({ label }));
  const error = await failureOf<SluiceError>(temporaryRun({ executors }));
  expect(error).toMatchObject({ code: 'DUPLICATE_LABEL' });
  expect(error.message).toContain("the label 'a', 'b':");
  expect(executors.map(({ starts }) => starts)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('the least loaded policy takes the smallest share of capacity in use, the first of equals', () => {
  const choose = (...candidates: Candidate[]) => leastLoaded.choose(candidates, placement);
  expect(choose(candidate('a', 1, 2), candidate('b', 1, 4))).toBe('b');
  expect(choose(candidate('a', 0, 2), candidate('b', 0, 99))).toBe('a');
  expect(choose(candidate('a', 30, 10), candidate('b', 3, 1))).toBe('a');
  expect(choose(candidate('none', 0, 0), candidate('b', 50, 1))).toBe('b');
});

test('by default tasks spread over the executors by their capacity', async () => {
  const before = (_: TaskEnvelope, signal: AbortSignal) => untilAborted(signal);
  const a = new ScriptedExecutor({ label: 'a', capacity: 1, before });
  const b = new ScriptedExecutor({ label: 'b', capacity: 3, before });
  await using run = await temporaryRun({ executors: [a, b], asDefault: false });
  const held = app(() => 1, { name: 'held', kernel: run.kernel });
  const futures = Array.from({ length: 8 }, () => held());
  expect([a.submitted.length, b.submitted.length]).toEqual([2, 6]);
  run.kernel.cancelAll();
  await Promise.allSettled(futures);
});

test('a policy of your own is obeyed, and told of the task, the attempt and where the last one ran', async () => {
  const asked: [Placement, string[]][] = [];
  const [a, b] = twoExecutors({
    before: ({ attempt }) => {
      if (attempt === 1) throw new SluiceError('WORKER_LOST', 'gone');
    },
  });
  const routing = {
    choose(candidates: readonly Candidate[], placement: Placement) {
      asked.push([placement, candidates.map(({ label }) => label)]);
      return placement.lastExecutor === 'b' ? 'a' : 'b';
    },
  };
  await using run = await temporaryRun({ executors: [a, b], routing, asDefault: false });
  await app(() => 1, { name: 'one', kernel: run.kernel })();
  expect([idsOf(a), idsOf(b)]).toEqual([[0], [0]]);
  expect(asked).toEqual([
    [{ appName: 'one', attempt: 1, lastExecutor: undefined }, ['a', 'b']],
    [{ appName: 'one', attempt: 2, lastExecutor: 'b' }, ['a', 'b']],
  ]);
});

test.each(['elsewhere', undefined, 7])(
  'a policy that chooses %s fails the task, saying what it may choose',
  async (label) => {
    const [a, b] = twoExecutors();
    const routing = { choose: () => label as string };
    await using run = await temporaryRun({ executors: [a, b], routing, retries: 3, asDefault: false });
    const error = await failureOf<SluiceError>(app(() => 1, { name: 'one', kernel: run.kernel })());
    expect(error).toMatchObject({ code: 'UNKNOWN_LABEL', class: 'usage' });
    expect(error.message).toBe(
      `the routing policy chose '${label}' for task 0 'one': choose must return one of 'a', 'b'`,
    );
    expect(run.kernel.stats().byExecutor).toEqual({});
  },
);

test('a policy that throws fails the task with its error', async () => {
  const routing = {
    choose: () => {
      throw new RangeError('no idea');
    },
  };
  await using run = await temporaryRun({ executors: twoExecutors(), routing, asDefault: false });
  await expect(app(() => 1, { name: 'one', kernel: run.kernel })()).rejects.toThrow(new RangeError('no idea'));
});

test('resources that no executor of the app honours are refused at the call, naming the keys', async () => {
  const a = new ScriptedExecutor({ label: 'a', resources: ['cores'] });
  const b = new ScriptedExecutor({ label: 'b', resources: ['memoryMiB'] });
  await using run = await temporaryRun({ executors: [a, b], asDefault: false });
  const big = app(() => 1, { name: 'big', resources: { cores: 2, memoryMiB: 512 }, kernel: run.kernel });
  const error = thrownBy<SluiceError>(big);
  expect(error).toMatchObject({ code: 'RESOURCES_NOT_HONOURED', class: 'usage' });
  expect(error.message).toBe(
    "app 'big' asks for cores, memoryMiB together, which no executor it may run on ('a', 'b') can give",
  );
  const wide = thrownBy<SluiceError>(big.with({ resources: { cores: 2, nodes: 2, launcherOptions: '-v' } }));
  expect(wide.message).toBe(
    "app 'big' asks for nodes, launcherOptions, which no executor it may run on ('a', 'b') can give",
  );
});

test('resources choose among the executors, and travel with the task', async () => {
  const a = new ScriptedExecutor({ label: 'a' });
  const b = new ScriptedExecutor({ label: 'b', resources: ['cores', 'memoryMiB'] });
  await using run = await temporaryRun({ executors: [a, b], asDefault: false });
  const plain = app(() => 1, { name: 'plain', kernel: run.kernel });
  await plain.with({ resources: { cores: 2 }, priority: -1 })();
  await plain();
  expect([idsOf(a), idsOf(b)]).toEqual([[1], [0]]);
  expect(b.submitted[0]).toMatchObject({ resources: { cores: 2 }, priority: -1 });
});
