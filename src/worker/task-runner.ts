import { hostname } from 'node:os';
import type { DataFile } from '../data/data-file.js';
import { SluiceError } from '../errors.js';
import type { ProcessGroupChange } from '../run/reaper-message.js';
import { decode, decodeCall, encode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import type { CallArguments, TaskEnvelope } from '../wire/task-envelope.js';
import { WIRE_VERSION } from '../wire/task-envelope.js';
import { Attempt } from './attempt.js';
import type { Backends } from './backends.js';
import { capturingOutput } from './capture-output.js';
import { type AppFunction, createCodeCache, type LoadedCode } from './code-cache.js';
import { type Contexts, createContexts } from './contexts.js';
import type { LoadModule } from './listed-stagings.js';
import { loadBundle } from './load-bundle.js';
import type { NodePeers } from './node-peers.js';
import { runCommand } from './run-command.js';
import { UsageMeter } from './usage-meter.js';
import { withinWalltime } from './walltime.js';

/** What a runner is given by the main of its worker. */
export interface RunnerParts {
  /** Staging and stores, opened when first needed. */
  readonly backends: Backends;
  /** Folder below which each attempt gets its scratch folder. */
  readonly scratchRoot: string;
  /** Whether bare imports of apps resolve from the module that defined them. */
  readonly sharesProject: boolean;
  /** What other nodes have to do with its files; absent where they have nothing. */
  readonly peers?: NodePeers | undefined;
  /** URL of the worker's main: apps import from there otherwise. */
  readonly runnerUrl: string;
  /** The worker is one thread among others, so that what its process uses says nothing of it. Default: false. */
  readonly sharesProcess?: boolean;
  /** Called when a module or a context of an app is there: what it keeps running belongs to the worker, not to a task. */
  readonly onLoaded?: () => void;
  /** Told of each process group a bash app starts, and of its end, for the reaper; absent where there is none. */
  readonly onProcessGroup?: (change: ProcessGroupChange) => void;
  /** Told when the time of a task with a walltime begins and ends, for who has to stop code that never yields. */
  readonly onClock?: (running: boolean) => void;
}

/** What attempts need of it. */
export interface AttemptParts extends RunnerParts {
  /** Imports a module of the user's that moves files. */
  readonly loadModule: LoadModule;
}

/** How one attempt is run. */
export interface AttemptOptions {
  readonly signal?: AbortSignal | undefined;
  /** When it came to this worker, by `performance.now()`. Default: now. */
  readonly receivedMs?: number;
}

/** Runs attempts of tasks, the same way on every executor. */
export interface TaskRunner {
  /** Runs one attempt; rejects only with `PROTOCOL`, for an envelope this version cannot read. */
  run(envelope: TaskEnvelope, options?: AttemptOptions): Promise<Outcome>;
  close(): Promise<void>;
}

/** The one task runner: app code, staging in, scratch folder, the user's code, staging out, outcome. */
export function createTaskRunner(parts: RunnerParts): TaskRunner {
  const { fetch } = parts.backends;
  const codes = createCodeCache({ ...parts, fetch });
  const loadModule: LoadModule = async (bundle) => {
    const exports = await loadBundle(bundle, { ...parts, fetch });
    parts.onLoaded?.();
    return exports;
  };
  const attemptParts = { ...parts, loadModule };
  const contexts = createContexts();
  const performing = { ...parts, contexts };
  const place = { where: hostname(), sharesProcess: parts.sharesProcess ?? false };

  const runAttempt = async (attempt: Attempt, meter: UsageMeter): Promise<EncodedValue> => {
    const { envelope } = attempt;
    const found = codes.get(envelope.app);
    const code = found instanceof Promise ? await found : found;
    if (found instanceof Promise) parts.onLoaded?.();
    const files: DataFile[] = [];
    const slots = envelope.slots.length === 0 ? NO_SLOTS : await readSlots(envelope.slots, parts.backends, files);
    const call = readCall(envelope, slots, files);
    if (files.length > 0) await meter.staging(() => attempt.stageIn(files));
    const result = await meter.running(() =>
      isPlain(envelope)
        ? callCode(code.fn, call, attempt)
        : withinWalltime(attempt, (signal) => perform(code, call, attempt, signal, performing), parts.onClock),
    );
    if (hasOutputs(envelope)) await meter.staging(() => attempt.stageOut());
    const { bytes, files: named } = encode(result, { root: `the result of app '${envelope.app.name}'` });
    return { kind: 'inline', bytes, files: named };
  };

  return {
    async run(envelope, options) {
      if (envelope.version !== WIRE_VERSION) throw versionError(envelope.version);
      const meter = new UsageMeter(place);
      const attempt = new Attempt(envelope, attemptParts, options);
      try {
        const value = await runAttempt(attempt, meter);
        if (attempt.holdsInputs) await giveBack(attempt, meter);
        const kept = attempt.keep();
        return { kind: 'value', value, usage: meter.usage(), ...(kept !== undefined && { kept }) };
      } catch (thrown) {
        await meter.staging(() => attempt.stageOutStreams());
        await attempt.discardOutputs();
        await giveBack(attempt, meter);
        return { kind: 'error', error: encodeError(thrown, { app: envelope.app.name }), usage: meter.usage() };
      } finally {
        if (attempt.hasFolder) await attempt.cleanUp();
      }
    },
    async close() {
      // What a setup made may need its stores to the end.
      await contexts.close().finally(() => parts.backends.close());
    },
  };
}

async function giveBack(attempt: Attempt, meter: UsageMeter): Promise<void> {
  meter.inputs = await meter.staging(() => attempt.releaseInputs());
}

// Each promise costs something: a task of microseconds waits for nothing that there is not.
function isPlain({ app, walltimeMs, stdout, stderr }: TaskEnvelope): boolean {
  return app.kind === 'function' && app.setup === undefined && (walltimeMs ?? stdout ?? stderr) === undefined;
}

function hasOutputs({ outputs, stdout, stderr }: TaskEnvelope): boolean {
  return outputs.length > 0 || stdout !== undefined || stderr !== undefined;
}

const NO_SLOTS: readonly unknown[] = [];

function readSlots(
  values: readonly EncodedValue[],
  backends: Backends,
  files: DataFile[],
): Promise<readonly unknown[]> {
  const read = async (value: EncodedValue): Promise<unknown> => {
    const bytes = value.kind === 'inline' ? value.bytes : await backends.fetch(value.url);
    return decode(bytes, { onFile: (file) => files.push(file) });
  };
  return Promise.all(values.map(read));
}

function readCall({ call }: TaskEnvelope, slots: readonly unknown[], files: DataFile[]): CallArguments {
  return decodeCall(call, { slot: (index) => slots[index], onFile: (file) => files.push(file) });
}

async function perform(
  { fn: code, setup }: LoadedCode,
  call: CallArguments,
  attempt: Attempt,
  signal: AbortSignal | undefined,
  parts: PerformParts,
): Promise<unknown> {
  const { app, stdout, stderr } = attempt.envelope;
  if (app.setup !== undefined && setup !== undefined) {
    attempt.context = await parts.contexts.get(app.setup.hash, setup);
    parts.onLoaded?.();
  }
  if (app.kind === 'bash') {
    const command = await callCode(code, call, attempt);
    return runCommand(command, attempt, { stdin: call.stdin, signal, onProcessGroup: parts.onProcessGroup });
  }
  if (stdout === undefined && stderr === undefined) return callCode(code, call, attempt);
  return capturingOutput(attempt.openStreams(), signal, async () => callCode(code, call, attempt));
}

type PerformParts = Pick<RunnerParts, 'onProcessGroup' | 'onLoaded'> & { readonly contexts: Contexts };

function callCode(code: AppFunction, call: CallArguments, attempt: Attempt): unknown {
  const { app } = attempt.envelope;
  if (!app.io) return code(...call.args);
  const args = Array.from({ length: app.arity }, (_, index) => call.args[index]);
  return code(...args, attempt.io(call.inputs as readonly DataFile[]));
}

function versionError(version: number): SluiceError {
  return new SluiceError(
    'PROTOCOL',
    `this worker reads envelopes of version ${WIRE_VERSION}, not ${version}: bring client and worker to one version of sluice`,
  );
}
