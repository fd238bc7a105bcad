import type { StorageAccess } from '../../data/storage-access.js';
import { SluiceError } from '../../errors.js';
import { StopGroup } from '../../run/stop-group.js';
import { hasLargeBundle } from '../../run-bucket/code-upload.js';
import { hasLocalValues, withoutLocalValues } from '../../run-bucket/local-values.js';
import { openRunBucket, type RunBucket } from '../../run-bucket/run-bucket.js';
import {
  localFileOf,
  notReachable,
  type RelayedTask,
  receiveTaskFiles,
  refuseArchives,
  sendTaskFiles,
} from '../../run-bucket/task-files.js';
import { outputWithoutPlace, withKept, withTemporaryPlaces } from '../../run-bucket/temporary-places.js';
import type { Outcome } from '../../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../../wire/task-envelope.js';
import type { Executor, ExecutorCapabilities, ExecutorLoad, RunContext } from '../executor.js';
import { notRunning } from '../life-errors.js';
import { type DeployedFunction, findDeployedFunction } from './deployed-function.js';
import { functionFailure, parseFailure } from './function-failure.js';
import { createLambdaClient } from './lambda-client.js';
import { createLambdaInvoker, type Invocation, type LambdaInvoker } from './lambda-invoker.js';
import { type LambdaOptions, type ResolvedLambdaOptions, resolveLambdaOptions } from './lambda-options.js';
import type { LambdaWire } from './lambda-wire.js';
import { readPayload, type Spill, writePayload } from './payload.js';
import { parseReport } from './report-line.js';

// What the answer may take beyond the function's own timeout: the network, and a cold start.
const ANSWER_SLACK_MS = 30_000;

/** What a started executor has. */
interface Started {
  readonly fn: DeployedFunction;
  readonly invoker: LambdaInvoker;
  readonly bucket: RunBucket | undefined;
  /** Ends its connections. */
  readonly hangUp: () => Promise<void>;
}

/**
 * Runs each task as one synchronous invocation of a function that `sluice deploy lambda` made: the answer carries the
 * outcome, so nothing is polled. An aborted task runs on unseen until it ends or the function's timeout does.
 */
export class LambdaExecutor implements Executor {
  readonly label: string;
  readonly storageAccess?: StorageAccess;
  readonly capabilities: ExecutorCapabilities = {
    sharesProject: false,
    sharesFilesystem: false,
    isolation: 'process',
    cancelRunning: false,
    resources: [],
  };
  readonly #options: ResolvedLambdaOptions;
  readonly #stops = new StopGroup();
  readonly #underWay = new Set<Promise<Outcome>>();
  #started: Started | undefined;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: LambdaOptions = {}) {
    this.#options = resolveLambdaOptions(options);
    this.label = this.#options.label;
    const { storageAccess } = this.#options;
    if (storageAccess !== undefined) this.storageAccess = storageAccess;
  }

  /** @throws {SluiceError} `FUNCTION_NOT_DEPLOYED`, `VERSION_MISMATCH`, `ACCESS_DENIED`, `NOT_FOUND` (the bucket) */
  async start(run: RunContext): Promise<void> {
    const { functionName, region, maxConcurrency, bucket: name } = this.#options;
    const client = await createLambdaClient({ region, maxSockets: 1 });
    let wire: LambdaWire | undefined;
    const hangUp = async (): Promise<void> => {
      client.destroy();
      await wire?.close();
    };
    try {
      const fn = await findDeployedFunction(client, functionName);
      const answerMs = fn.timeoutSeconds * 1000 + ANSWER_SLACK_MS;
      const { openLambdaWire } = await import('./lambda-wire.js');
      wire = await openLambdaWire(client, { functionName, maxSockets: maxConcurrency, answerMs });
      const place = { ...this.#options, runId: run.runId };
      const bucket = name === undefined ? undefined : await openRunBucket(run.openStore, { ...place, bucket: name });
      this.#started = { fn, bucket, invoker: createLambdaInvoker(wire, fn, this.#options), hangUp };
    } catch (error) {
      await hangUp();
      throw error;
    }
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    const started = this.#started;
    if (started === undefined) return Promise.reject(notRunning(this.label));
    const outcome = this.#stops.run(signal, (stop) => this.#run(started, envelope, stop));
    this.#underWay.add(outcome);
    const forget = (): void => {
      this.#underWay.delete(outcome);
    };
    outcome.then(forget, forget);
    return outcome;
  }

  load(): ExecutorLoad {
    return { outstanding: this.#underWay.size, capacity: this.#started?.invoker.capacity ?? 0 };
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    this.#started = undefined;
    const timer = setTimeout(() => this.#stops.abort(notRunning(this.label)), graceMs);
    await Promise.allSettled(this.#underWay);
    clearTimeout(timer);
    this.#stops.abort(notRunning(this.label));
    try {
      await started.bucket?.close();
    } finally {
      await started.hangUp();
    }
  }

  async #run(started: Started, envelope: TaskEnvelope, signal: AbortSignal): Promise<Outcome> {
    const { fn, bucket } = started;
    signal.throwIfAborted();
    refuseLongWalltime(envelope, fn);
    refuseArchives(envelope, `Lambda function '${fn.name}'`);
    const spill = bucket && { store: bucket.store, prefix: `${bucket.prefix}/spill/${attemptName(envelope)}` };
    const coded = bucket && hasLargeBundle(envelope) ? await bucket.code.send(envelope, signal) : envelope;
    const relayed = await relayedFiles(coded, started, signal);
    const payload = await writePayload(relayed.envelope, spill, signal);
    const invocation = await started.invoker.invoke(payload, { priority: envelope.priority ?? 0, signal });
    const outcome = await readOutcome(invocation, envelope, fn, spill, signal);
    if (bucket !== undefined) await receiveTaskFiles(relayed, outcome, bucket, signal);
    return withKept(outcome, relayed.envelope);
  }
}

async function relayedFiles(
  envelope: TaskEnvelope,
  { bucket, fn }: Started,
  signal: AbortSignal,
): Promise<RelayedTask> {
  const placed = bucket === undefined ? envelope : withTemporaryPlaces(envelope, bucket);
  const reachable = hasLocalValues(placed) ? await withoutLocalValues(placed, bucket, signal) : placed;
  const local = localFileOf(reachable) ?? outputWithoutPlace(reachable);
  if (local === undefined) return { envelope: reachable, outputs: {} };
  if (bucket !== undefined) return sendTaskFiles(reachable, bucket, signal);
  throw notReachable(envelope, local, { where: `Lambda function '${fn.name}'`, executor: 'LambdaExecutor' });
}

async function readOutcome(
  invocation: Invocation,
  envelope: TaskEnvelope,
  fn: DeployedFunction,
  spill: Spill | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { payload, functionError, logTail } = invocation;
  if (functionError !== undefined) {
    throw functionFailure(parseFailure(payload, functionError), { envelope, fn, logTail });
  }
  const outcome = await readPayload(payload, spill, signal);
  const report = parseReport(logTail);
  if (report === undefined) return outcome;
  const billed = { milliseconds: report.billedMs, memoryMiB: report.memorySizeMiB };
  return { ...outcome, usage: { ...outcome.usage, where: `lambda ${fn.name}`, billed } };
}

function refuseLongWalltime({ walltimeMs, app, taskId }: TaskEnvelope, fn: DeployedFunction): void {
  if (walltimeMs === undefined || walltimeMs <= fn.timeoutSeconds * 1000) return;
  throw new SluiceError(
    'RESOURCES_NOT_HONOURED',
    `task ${taskId} '${app.name}' has a walltime of ${walltimeMs} ms; Lambda function '${fn.name}' ends after ${fn.timeoutSeconds} s: deploy it with --timeout, or ask for less`,
  );
}
