import { decode, decodeCall, encode } from '../wire/codec.js';
import { AppFuture } from './app-future.js';
import { type AttemptEnd, failureOf } from './attempt.js';
import { runInJoin } from './current-kernel.js';
import type { DataFlowKernel } from './dataflow-kernel.js';
import { decodeValue } from './decode-value.js';
import { DependencyList, slotValue } from './dependency.js';
import type { KernelParts } from './kernel-parts.js';
import type { AttemptFailure } from './retry.js';
import { isFinal } from './task.js';
import type { JoinTemplate, TaskRecord, Template } from './task-record.js';
import type { JoinCall } from './task-request.js';

type Fetch = KernelParts['fetch'];

/** What came of a join's body. */
export type JoinBodyEnd =
  | { readonly kind: 'returned'; readonly inner: JoinTemplate }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** Runs the body of a join in the client and keeps what it returned, futures inside. Never rejects. */
export async function runJoinBody(
  kernel: DataFlowKernel,
  record: TaskRecord,
  attempt: number,
  parts: KernelParts,
): Promise<JoinBodyEnd> {
  const { call } = record;
  if (record.rare !== undefined) delete record.rare.stageOuts;
  try {
    const values = await slotValues(call, parts.fetch);
    if (isFinal(record.task.state)) throw new Error('given up before its body ran');
    const { args, inputs } = decodeCall(call.bytes, { slot: (index) => values[index] });
    const { work, outputs } = record.request;
    const body = (work as { body: (call: JoinCall) => unknown }).body;
    const returned = await runInJoin(kernel, record, () =>
      settledBody(body({ args, inputs, outputs, taskId: record.taskId, attempt })),
    );
    const list = new DependencyList();
    const encoded = encode(returned.value, {
      root: `the result of join '${record.request.appName}'`,
      slotOf: list.slotOf,
    });
    return {
      kind: 'returned',
      inner: {
        ...encoded,
        dependencies: [...list.futures, ...(record.rare?.stageOuts ?? [])],
        isOneFuture: returned.value instanceof AppFuture,
      },
    };
  } catch (error) {
    return { kind: 'failed', failure: failureOf(error, record, attempt, undefined, parts) };
  }
}

/** The value of a join whose inner futures are all done. Never rejects. */
export async function collectJoin(record: TaskRecord, fetch: Fetch): Promise<AttemptEnd> {
  const inner = record.rare?.inner as JoinTemplate;
  try {
    const [only] = inner.dependencies;
    if (only === undefined) return { kind: 'done', value: { kind: 'inline', bytes: inner.bytes, files: inner.files } };
    if (inner.isOneFuture) return { kind: 'done', value: slotValue(only) };
    const values = await slotValues(inner, fetch);
    const whole = decode(inner.bytes, { slot: (index) => values[index] });
    return { kind: 'done', value: { kind: 'inline', ...encode(whole) } };
  } catch (error) {
    return { kind: 'failed', failure: { error, class: 'app', cost: 1, delayMs: 0 } };
  }
}

// A body may be async; awaiting a future that it returned would wait for its value, so the value stays boxed.
async function settledBody(returned: unknown): Promise<{ value: unknown }> {
  if (returned instanceof Promise) return { value: await returned };
  return { value: returned };
}

async function slotValues(template: Template, fetch: Fetch): Promise<unknown[]> {
  return Promise.all(template.dependencies.map((dependency) => decodeValue(slotValue(dependency), fetch)));
}
