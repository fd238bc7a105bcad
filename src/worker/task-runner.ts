import { hostname } from 'node:os';
import type { DataFile } from '../data/data-file.js';
import { SluiceError } from '../errors.js';
import { compileFunction } from '../wire/code-shipping/compile.js';
import { decode, decodeCall, encode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import type { CallArguments, TaskEnvelope } from '../wire/task-envelope.js';
import { WIRE_VERSION } from '../wire/task-envelope.js';
import { Attempt } from './attempt.js';
import type { Backends } from './backends.js';
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
  /** URL of the worker's main: apps import from there otherwise. */
  readonly runnerUrl: string;
  /** Told of each process group a bash app starts, and of its end. */
  readonly onProcessGroup?: (change: { readonly pid: number; readonly running: boolean }) => void;
}

/** Runs attempts of tasks, the same way on every executor. */
export interface TaskRunner {
  /** Runs one attempt; rejects only with `PROTOCOL`, for an envelope this version cannot read. */
  run(envelope: TaskEnvelope, signal?: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}

type AppFunction = (...args: unknown[]) => unknown;

/** The one task runner: app code, staging in, scratch folder, the user's code, staging out, outcome. */
export function createTaskRunner(parts: RunnerParts): TaskRunner {
  const compiled = new Map<string, AppFunction>();
  const where = hostname();

  const codeOf = ({ app }: TaskEnvelope): AppFunction => {
    const known = compiled.get(app.hash);
    if (known !== undefined) return known;
    const fresh = compileFunction(app, { sharesProject: parts.sharesProject, runnerUrl: parts.runnerUrl });
    compiled.set(app.hash, fresh);
    return fresh;
  };

  const runAttempt = async (attempt: Attempt, meter: UsageMeter): Promise<EncodedValue> => {
    const { envelope } = attempt;
    const code = codeOf(envelope);
    const files: DataFile[] = [];
    const call = await readCall(envelope, parts.backends, files);
    await meter.staging(() => attempt.stageIn(files));
    const result = await meter.running(() =>
      withinWalltime(envelope, attempt.signal, (signal) => perform(code, call, attempt, signal, parts)),
    );
    await meter.staging(() => attempt.stageOut());
    const { bytes, files: named } = encode(result, { root: `the result of app '${envelope.app.name}'` });
    return { kind: 'inline', bytes, files: named };
  };

  return {
    async run(envelope, signal) {
      if (envelope.version !== WIRE_VERSION) throw versionError(envelope.version);
      const meter = new UsageMeter(where);
      const attempt = new Attempt(envelope, parts, signal);
      try {
        const value = await runAttempt(attempt, meter);
        return { kind: 'value', value, usage: meter.usage() };
      } catch (thrown) {
        await meter.staging(() => attempt.stageOutStreams());
        return { kind: 'error', error: encodeError(thrown, { app: envelope.app.name }), usage: meter.usage() };
      } finally {
        await attempt.cleanUp();
      }
    },
    close: () => parts.backends.close(),
  };
}

async function readCall(envelope: TaskEnvelope, backends: Backends, files: DataFile[]): Promise<CallArguments> {
  const onFile = (file: DataFile): void => {
    files.push(file);
  };
  const slots: unknown[] = new Array(envelope.slots.length);
  const fill = async (value: EncodedValue, index: number): Promise<void> => {
    const bytes = value.kind === 'inline' ? value.bytes : await backends.fetch(value.url);
    slots[index] = decode(bytes, { onFile });
  };
  if (envelope.slots.length > 0) await Promise.all(envelope.slots.map(fill));
  return decodeCall(envelope.call, { slot: (index) => slots[index], onFile });
}

async function perform(
  code: AppFunction,
  call: CallArguments,
  attempt: Attempt,
  signal: AbortSignal | undefined,
  parts: RunnerParts,
): Promise<unknown> {
  const { app } = attempt.envelope;
  if (!app.io) return code(...call.args);
  const args = Array.from({ length: app.arity }, (_, index) => call.args[index]);
  const result = await code(...args, attempt.io(call.inputs as readonly DataFile[]));
  return app.kind === 'bash' ? runCommand(result, attempt, signal, parts.onProcessGroup) : result;
}

function versionError(version: number): SluiceError {
  return new SluiceError(
    'PROTOCOL',
    `this worker reads envelopes of version ${WIRE_VERSION}, not ${version}: bring client and worker to one version of sluice`,
  );
}
