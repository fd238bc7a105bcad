import { setImmediate } from 'node:timers/promises';
import { type AppFuture, type Executor, type Outcome, type RunEvent, SluiceError, type TaskEnvelope } from 'sluice';
import { DataFlowKernel } from '../../../src/kernel/dataflow-kernel.js';
import type { Work } from '../../../src/kernel/task-request.js';
import { decode, decodeCall, encode } from '../../../src/wire/codec.js';
import { encodeError } from '../../../src/wire/error-codec.js';
import { kernelParts } from '../../fixtures/kernel/kernel-parts.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type AttemptScript, digest, type Graph, type NodeSpec, picked, placed, returned } from './graph.js';
import { Model } from './model.js';

/** A graph that has run, on the kernel and in the model. */
export interface GraphRun {
  readonly model: Model;
  readonly kernel: DataFlowKernel;
  readonly futures: ReadonlyMap<string, AppFuture<unknown>>;
  /** Attempts that the executor was given, and bodies of joins that ran, by call. */
  readonly attempts: Readonly<Record<string, number>>;
  /** How often each call came to an end. */
  readonly ends: ReadonlyMap<string, number>;
}

const USAGE = { runMs: 0, stagingMs: 0, where: 'nowhere' };
const CODE = { name: 'node', kind: 'function', source: '', hash: '', io: false, arity: 2, definedIn: '' } as const;

/**
 * Runs a graph. Nothing happens by itself: attempts end and waits are over when the graph's choices say so, one thing
 * after the other, on the kernel and in the model.
 */
export async function runGraph(graph: Graph): Promise<GraphRun> {
  const specs = new Map<string, NodeSpec>();
  const futures = new Map<string, AppFuture<unknown>>();
  const attempts: Record<string, number> = {};
  const ends = new Map<string, number>();
  /** What can happen next, by a name that the model understands. */
  const pending = new Map<string, () => void>();
  const model = new Model(graph, (name) => futures.get(name)?.status);

  const submitAttempt = (envelope: TaskEnvelope): Promise<Outcome> => {
    const { args } = decodeCall(envelope.call, { slot: (index) => decode(bytesOf(envelope.slots[index])) });
    const [name, value] = args as [string, unknown];
    attempts[name] = envelope.attempt;
    const script = specs.get(name)?.script[envelope.attempt - 1];
    return new Promise((resolve, reject) => {
      pending.set(`answer ${name} ${envelope.attempt}`, () => {
        if (script === undefined) resolve(valueOutcome(digest(name, value)));
        else if (script.kind === 'fails') resolve(errorOutcome(name));
        else reject(lossOf(script));
      });
    });
  };
  const executor: Executor = Object.assign(new ScriptedExecutor(), { submit: submitAttempt });
  const record = (event: RunEvent): void => {
    if (event.kind !== 'taskStatus' || !['done', 'failed', 'cancelled'].includes(event.status)) return;
    ends.set(event.app, (ends.get(event.app) ?? 0) + 1);
  };
  const later = (_: number, callback: () => void): (() => void) => {
    // The one that is delayed, and has no timer yet.
    const delayed = [...futures].find(([name, { status }]) => status === 'delayed' && !pending.has(`wake ${name}`));
    const key = `wake ${delayed?.[0]}`;
    pending.set(key, callback);
    return () => pending.delete(key);
  };
  const kernel = new DataFlowKernel(
    kernelParts({
      executors: [executor],
      retries: graph.retries,
      infrastructureRetries: graph.infrastructureRetries,
      retry: {
        cost: ({ appName, attempt }) => specs.get(appName)?.script[attempt - 1]?.cost as number,
        ...(graph.backoff && { backoffMs: () => 100 }),
      },
      monitors: [{ record, close: async () => {} }],
      random: () => graph.random,
      later,
    }),
  );

  const submit = (name: string, spec: NodeSpec, scope: readonly string[]): AppFuture<unknown> => {
    specs.set(name, spec);
    const items = picked(spec.dependencies, scope).map((dependency) => futures.get(dependency));
    const work: Work =
      spec.join === undefined ? { kind: 'remote', code: CODE } : { kind: 'join', body: bodyOf(name, spec, scope) };
    const retries = spec.retries === undefined ? {} : { retries: spec.retries };
    const future = kernel.submit({ appName: name, executors: undefined, work, outputs: [], ...retries }, [
      name,
      placed(spec.shape, items),
    ]);
    futures.set(name, future);
    return future;
  };
  const bodyOf =
    (name: string, { join, script }: NodeSpec, scope: readonly string[]) =>
    ({ attempt }: { attempt: number }): unknown => {
      attempts[name] = attempt;
      const { inner, returns, form } = join as NonNullable<NodeSpec['join']>;
      const made: string[] = [];
      inner.forEach((spec, index) => {
        const innerName = `${name}#${attempt}/${index}`;
        submit(innerName, spec, [...scope, ...made]);
        made.push(innerName);
      });
      const fails = script[attempt - 1];
      if (fails !== undefined) throw fails.kind === 'fails' ? new Error(`own failure of ${name}`) : lossOf(fails);
      return returned(
        form,
        picked(returns, made).map((one) => futures.get(one)),
      );
    };

  let submitted = 0;
  const submitNext = async (): Promise<void> => {
    const name = String(submitted);
    const scope = Array.from({ length: submitted }, (_, index) => String(index));
    const spec = graph.nodes[submitted] as NodeSpec;
    submitted += 1;
    submit(name, spec, scope);
    await setImmediate();
    model.submit(name, spec, scope);
  };
  const happen = async (key: string): Promise<void> => {
    const action = pending.get(key) as () => void;
    pending.delete(key);
    action();
    await setImmediate();
    const [kind, name = '', attempt] = key.split(' ');
    if (kind === 'wake') model.wake(name);
    else model.answer(name, Number(attempt));
  };

  for (let step = 0; ; step++) {
    for (const { pick } of graph.cancels.filter((cancel) => cancel.step === step)) {
      const name = [...futures.keys()].sort()[pick % Math.max(1, futures.size)];
      if (name === undefined) continue;
      futures.get(name)?.cancel();
      await setImmediate();
      model.cancel(name);
    }
    const keys = [...pending.keys()].sort();
    const possible = keys.length + (submitted < graph.nodes.length ? 1 : 0);
    if (possible === 0) break;
    const choice = (graph.choices[step % graph.choices.length] as number) % possible;
    const key = keys[choice];
    // Whatever follows in the kernel does so before the model is told.
    await (key === undefined ? submitNext() : happen(key));
  }
  return { model, kernel, futures, attempts, ends };
}

function bytesOf(slot: TaskEnvelope['slots'][number] | undefined): Uint8Array {
  if (slot?.kind !== 'inline') throw new Error('a slot was not filled');
  return slot.bytes;
}

function valueOutcome(value: number): Outcome {
  return { kind: 'value', value: { kind: 'inline', ...encode(value) }, usage: USAGE };
}

function errorOutcome(name: string): Outcome {
  return { kind: 'error', error: encodeError(new Error(`own failure of ${name}`), { app: name }), usage: USAGE };
}

function lossOf({ kind }: AttemptScript): SluiceError {
  return kind === 'lost' ? new SluiceError('WORKER_LOST', 'gone') : new SluiceError('NOT_FOUND', 'never to be found');
}
