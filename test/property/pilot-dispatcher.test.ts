import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DispatchCommand, DispatchEvent, HeldTask } from '../../src/pilot/dispatch-messages.js';
import { Dispatcher } from '../../src/pilot/dispatcher.js';
import { Pace } from '../../src/run/pace.js';

/** A worker as the model plays it: it runs what it has in order, and may do so at any time. */
interface ModelWorker {
  state: 'starting' | 'ready' | 'retired';
  /** Its tasks by key, with their numbers, the first one perhaps begun. */
  line: { readonly key: number; readonly sequence: number }[];
  hasBegun: boolean;
  claimed: number;
  /** Results of tasks that have ended, not sent yet. */
  unsent: number[];
  /** Orders to give back, not read yet. */
  revokes: (readonly number[])[];
}

type Step =
  | {
      readonly kind: 'submit';
      readonly count: number;
      readonly code: number;
      readonly slots: number;
      readonly shares: boolean;
    }
  | { readonly kind: 'cancel'; readonly nth: number }
  | { readonly kind: 'begin' | 'finish' | 'flush' | 'read' | 'die' | 'spend' | 'ready'; readonly worker: number }
  | { readonly kind: 'surplus'; readonly keep: number }
  | { readonly kind: 'pass'; readonly ms: number };

const WORKERS = 3;

class Model {
  readonly dispatcher = new Dispatcher({ workers: WORKERS, pace: quickPace() });
  readonly workers: ModelWorker[] = Array.from({ length: WORKERS }, fresh);
  readonly ends = new Map<number, string[]>();
  readonly cancelled = new Set<number>();
  readonly slotsOf = new Map<number, number>();
  nowMs = 0;
  lastKey = 0;

  take(step: Step): void {
    const worker = 'worker' in step ? (this.workers[step.worker] as ModelWorker) : undefined;
    if (worker !== undefined && 'worker' in step) this.#work(worker, step.worker, step.kind);
    else if (step.kind === 'submit') this.#submit(step);
    else if (step.kind === 'cancel') this.#cancel(step.nth);
    else if (step.kind === 'surplus') this.#handle({ kind: 'surplus', keep: step.keep });
    else if (step.kind === 'pass') this.#pass(step.ms);
  }

  /** Lets everything that is left run to its end. */
  finish(): void {
    for (let round = 0; round < 5_000 && this.dispatcher.size > 0; round++) {
      for (const [rank, worker] of this.workers.entries()) {
        for (const kind of ['ready', 'read', 'begin', 'finish', 'flush'] as const) this.#work(worker, rank, kind);
        if (worker.state === 'retired') this.#work(worker, rank, 'die');
      }
      this.#pass(60);
    }
  }

  #work(worker: ModelWorker, rank: number, kind: (Step & { worker: number })['kind']): void {
    if (worker.state === 'starting') {
      if (kind !== 'ready') return;
      worker.state = 'ready';
      this.#handle({ kind: 'ready', worker: rank });
    } else if (kind === 'die') this.#die(worker, rank);
    else if (kind === 'flush') this.#flush(worker, rank);
    else if (kind === 'read' && !worker.hasBegun) this.#read(worker, rank);
    else if (kind === 'begin' && !worker.hasBegun && worker.line.length > 0 && worker.state === 'ready') begin(worker);
    else if (kind === 'finish' && worker.hasBegun) finishFirst(worker);
    else if (kind === 'spend' && !worker.hasBegun && worker.state === 'ready') {
      this.#flush(worker, rank);
      worker.state = 'retired';
      const keys = worker.line.splice(0).map(({ key }) => key);
      this.#handle({ kind: 'spent', worker: rank, keys });
    }
  }

  #flush(worker: ModelWorker, rank: number): void {
    const keys = worker.unsent.splice(0);
    if (keys.length === 0) return;
    const results = keys.map((key) => ({ key, kind: 'outcome' as const, parts: [] }));
    this.#handle({ kind: 'results', worker: rank, results, runMs: keys.map(() => 0.01) });
  }

  #read(worker: ModelWorker, rank: number): void {
    for (const wanted of worker.revokes.splice(0)) {
      const keys = worker.line.filter(({ key }) => wanted.includes(key)).map(({ key }) => key);
      worker.line = worker.line.filter(({ key }) => !wanted.includes(key));
      this.#handle({ kind: 'returned', worker: rank, keys });
    }
  }

  #die(worker: ModelWorker, rank: number): void {
    const { claimed } = worker;
    Object.assign(worker, fresh());
    this.#handle({ kind: 'gone', worker: rank, claimed });
  }

  #submit({ count, code, slots, shares }: Step & { kind: 'submit' }): void {
    const tasks = Array.from({ length: count }, (): HeldTask => {
      this.lastKey += 1;
      this.ends.set(this.lastKey, []);
      this.slotsOf.set(this.lastKey, slots);
      const task = { key: this.lastKey, priority: this.lastKey % 2, needs: undefined, code, parts: [] };
      const mayShare = shares && slots === 1;
      return { task, slots, mayShare, isCancelled: false, expectedMs: 0, sequence: 0, worker: -1 };
    });
    this.#handle({ kind: 'tasks', tasks });
  }

  #cancel(nth: number): void {
    const open = [...this.ends].filter(([key, ends]) => ends.length === 0 && !this.cancelled.has(key));
    const [key] = open[nth % Math.max(1, open.length)] ?? [];
    if (key === undefined) return;
    this.cancelled.add(key);
    this.#handle({ kind: 'cancel', keys: [key] });
  }

  #pass(ms: number): void {
    this.nowMs += ms;
    if (this.dispatcher.tickInMs !== undefined) this.#handle({ kind: 'tick' });
  }

  #handle(event: DispatchEvent): void {
    for (const command of this.dispatcher.handle(event, this.nowMs)) this.#do(command);
    this.#checkSlots();
  }

  #do(command: DispatchCommand): void {
    switch (command.kind) {
      case 'run': {
        const worker = this.workers[command.worker] as ModelWorker;
        expect(worker.state).not.toBe('starting');
        for (const { task } of command.tasks) expect(this.cancelled.has(task.key)).toBe(false);
        const line = command.tasks.map(({ task, sequence }) => ({ key: task.key, sequence }));
        // One that is spent sends back what still comes.
        if (worker.state === 'ready') worker.line.push(...line);
        else this.#handle({ kind: 'returned', worker: command.worker, keys: line.map(({ key }) => key) });
        return;
      }
      case 'revoke':
        this.workers[command.worker]?.revokes.push(command.keys);
        return;
      case 'stop':
        this.#die(this.workers[command.worker] as ModelWorker, command.worker);
        return;
      case 'deliver':
        for (const { key } of command.results) this.#end(key, 'result');
        return;
      case 'blame':
      case 'lost':
        this.#end(command.held.task.key, command.kind);
        return;
      case 'giveBack':
        for (const { task, worker } of command.tasks) {
          expect(worker).toBe(-1);
          this.#end(task.key, 'given back');
        }
        return;
      case 'start':
      case 'retire':
        return;
    }
  }

  #end(key: number, how: string): void {
    expect(this.cancelled.has(key), `task ${key} was cancelled, and ended by ${how}`).toBe(false);
    this.ends.get(key)?.push(how);
  }

  /** A large task has as many workers to itself as it has slots. */
  #checkSlots(): void {
    const slotsInUse = this.workers.reduce((sum, { line }) => sum + (this.slotsOf.get(line[0]?.key ?? 0) ?? 0), 0);
    expect(slotsInUse).toBeLessThanOrEqual(WORKERS);
  }
}

/** Apps are known to be quick, so that their tasks travel together. */
function quickPace(): Pace<number> {
  const pace = new Pace<number>({ longestBatch: 8, overheadMs: 0.03 });
  for (const code of [1, 2]) for (let times = 0; times < 50; times++) pace.observe(code, 0.01);
  return pace;
}

function fresh(): ModelWorker {
  return { state: 'starting', line: [], hasBegun: false, claimed: 0, unsent: [], revokes: [] };
}

function begin(worker: ModelWorker): void {
  worker.hasBegun = true;
  if (worker.line.length > 1 || worker.unsent.length > 0) worker.claimed = worker.line[0]?.sequence ?? 0;
}

function finishFirst(worker: ModelWorker): void {
  worker.hasBegun = false;
  worker.unsent.push(worker.line.shift()?.key ?? 0);
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      count: fc.integer({ min: 1, max: 12 }),
      code: fc.integer({ min: 1, max: 2 }),
      slots: fc.constantFrom(1, 1, 1, 2, 3),
      shares: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat(50) }) },
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['begin', 'finish', 'flush', 'read', 'ready', 'begin', 'finish', 'die', 'spend'] as const),
      ),
      worker: fc.nat(WORKERS - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('surplus' as const), keep: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 2, 60) }) },
);

test('every task ends exactly once, and a cancelled one never, whatever workers do', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const model = new Model();
      for (const next of steps) model.take(next);
      model.finish();
      expect(model.dispatcher.size).toBe(0);
      for (const [key, ends] of model.ends) expect(ends, `task ${key}`).toHaveLength(model.cancelled.has(key) ? 0 : 1);
    }),
    { numRuns: 1_000 },
  );
});

/** What one busy worker does before it ends. */
const progress: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat(50) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(['begin', 'finish', 'begin', 'finish', 'flush', 'read'] as const)),
      worker: fc.constant(0),
    }),
  },
);

test('when a worker ends, what it had begun ends with it, and what it had not is given to another', () => {
  let several = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(progress, { maxLength: 30 }), (count, steps) => {
      const model = new Model();
      for (let worker = 0; worker < WORKERS; worker++) model.take({ kind: 'ready', worker });
      model.take({ kind: 'submit', count, code: 1, slots: 1, shares: true });
      for (const next of steps) model.take(next);
      const { line, hasBegun, unsent } = model.workers[0] as ModelWorker;
      const keys = line.map(({ key }) => key);
      const begun = [...unsent, ...keys.slice(0, hasBegun ? 1 : 0)].filter((key) => !model.cancelled.has(key));
      // Between two tasks, the next one is as good as begun.
      const notBegun = keys.slice(1).filter((key) => !model.cancelled.has(key));
      if (begun.length > 1 && notBegun.length > 0) several += 1;
      model.take({ kind: 'die', worker: 0 });
      expect(begun.map((key) => model.ends.get(key)?.length)).toEqual(begun.map(() => 1));
      expect(notBegun.map((key) => model.ends.get(key)?.length)).toEqual(notBegun.map(() => 0));
    }),
    { numRuns: 1_000 },
  );
  expect(several).toBeGreaterThan(50);
});

test('what is too much is given back from the end, and what stays keeps its turn', () => {
  const model = new Model();
  model.take({ kind: 'submit', count: 6, code: 1, slots: 1, shares: false });
  const [command] = model.dispatcher.handle({ kind: 'surplus', keep: 2 }, 0);
  const keys = command?.kind === 'giveBack' ? command.tasks.map(({ task }) => task.key) : [];
  // Even keys have the lower priority number, and so go first.
  expect(keys).toEqual([6, 1, 3, 5]);
  expect(model.dispatcher.waiting).toBe(2);
  expect(model.dispatcher.keys()).toEqual([2, 4]);
  expect(model.dispatcher.handle({ kind: 'surplus', keep: 2 }, 0)).toEqual([]);
});
