import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import { defaultScratchRoot } from '../run/scratch-root.js';
import { decode, encode } from '../wire/codec.js';
import { encodeError } from '../wire/error-codec.js';
import { INLINE_LIMIT_BYTES, type LambdaEvent, type LambdaReply } from '../wire/lambda-message.js';
import type { Outcome } from '../wire/outcome.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import { createBackends } from './backends.js';
import { createLambdaThread } from './lambda-thread.js';
import { serveLambdaThread } from './lambda-thread-main.js';
import { LAMBDA_THREAD } from './lambda-thread-message.js';
import { createTaskRunner } from './task-runner.js';
import { createUncaughtGuard } from './uncaught-guard.js';

// The SDK is part of the bundle: what it thinks of this Node version is nothing for the function's log.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// /tmp is all of Lambda's disk that can be written.
const scratchRoot = defaultScratchRoot();
const threadScratchRoot = join(scratchRoot, 'thread');
const backends = createBackends();
const parts = { backends, scratchRoot, sharesProject: false, runnerUrl: import.meta.url };
const runner = createTaskRunner(parts);
const guard = createUncaughtGuard();
const thread = createLambdaThread(new URL(import.meta.url), threadScratchRoot);

// The bundle is one file: it is the main of the thread too.
if (!isMainThread && workerData === LAMBDA_THREAD) {
  serveLambdaThread(parentPort as MessagePort, { ...parts, scratchRoot: threadScratchRoot });
}

/** The main of the deployed function: one task in, one outcome back; what is too large goes through the bucket. */
export async function handler(event: LambdaEvent): Promise<LambdaReply> {
  const envelope = await readEnvelope(event);
  const outcome = await guard.run(() => (mayNeverYield(envelope) ? thread.run(envelope) : runner.run(envelope)));
  // Lambda may run an event twice: what one run answered, another must not write over.
  const spillTo = event.spillTo && `${event.spillTo}-${randomUUID()}`;
  // A bucket the worker may not write to is told as what it is; thrown, it would lose its code on the way.
  return reply(outcome, spillTo).catch((error: unknown) =>
    reply({ kind: 'error', error: encodeError(error, { app: envelope.app.name }), usage: outcome.usage }, undefined),
  );
}

// A function's walltime holds for a loop as well, which only another thread can stop.
function mayNeverYield({ app, walltimeMs }: TaskEnvelope): boolean {
  return app.kind === 'function' && walltimeMs !== undefined;
}

async function readEnvelope(event: LambdaEvent): Promise<TaskEnvelope> {
  if (event?.kind !== 'run') {
    throw new SluiceError('PROTOCOL', 'this function is a worker of sluice: its events come from a LambdaExecutor');
  }
  const bytes = 'task' in event ? Buffer.from(event.task, 'base64') : await backends.fetch(event.taskAt);
  return decode(bytes) as TaskEnvelope;
}

async function reply(outcome: Outcome, spillTo: string | undefined): Promise<LambdaReply> {
  const bytes = encode(outcome).bytes;
  if (bytes.byteLength <= INLINE_LIMIT_BYTES || spillTo === undefined) {
    return { kind: 'outcome', outcome: Buffer.from(bytes).toString('base64') };
  }
  if (outcome.kind === 'value' && outcome.value.kind === 'inline') {
    const { bytes, files } = outcome.value;
    await backends.keep(spillTo, bytes);
    return reply({ ...outcome, value: { kind: 'reference', url: spillTo, size: bytes.byteLength, files } }, spillTo);
  }
  // Beside the value, which may lie there already.
  const url = `${spillTo}-outcome`;
  await backends.keep(url, bytes);
  return { kind: 'outcomeAt', url };
}
