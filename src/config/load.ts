import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import type { Executor, RunContext } from '../executors/executor.js';
import { ThreadPoolExecutor } from '../executors/threads/thread-pool-executor.js';
import { refuseSecondDefault, setDefaultKernel } from '../kernel/current-kernel.js';
import { DataFlowKernel } from '../kernel/dataflow-kernel.js';
import { leastLoaded } from '../kernel/routing/least-loaded.js';
import type { Monitor } from '../monitoring/event.js';
import { openControlSocket } from '../run/control-socket.js';
import { createEventLog } from '../run/event-log.js';
import { createRunDirectory } from '../run/run-directory.js';
import { cancelOnSignals } from '../run/signals.js';
import { reportSummary } from '../run/summary-file.js';
import { createTemporaryFolder } from '../run/temporary-folder.js';
import { VERSION } from '../version.js';
import { createCodeShipper } from '../wire/code-shipping/bundle/code-shipper.js';
import { type Backends, createBackends } from '../worker/backends.js';
import { type Config, type ResolvedConfig, resolveConfig } from './config.js';
import { checkExecutors, refuseTakenExecutors, startExecutors } from './start-executors.js';
import { createRunStorage, rememberStorage } from './storage/run-storage.js';

/**
 * Starts executors and resolves with the kernel over them; apps use it from then on, until its `close`. Best written
 * `await using flow = await load({ … })`.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, `DUPLICATE_LABEL`, `KERNEL_LOADED`, or what an executor's start says
 *   (`FUNCTION_NOT_DEPLOYED`, `VERSION_MISMATCH`, `ACCESS_DENIED`, …); whatever had started is ended again
 */
export async function load(config: Config = {}): Promise<DataFlowKernel> {
  const resolved = resolveConfig(config);
  if (resolved.asDefault) refuseSecondDefault();
  const executors = [...(resolved.executors ?? [new ThreadPoolExecutor()])];
  refuseTakenExecutors(executors);
  const run = createRunDirectory(resolved.runDir, { version: VERSION, executors: executors.map(({ label }) => label) });
  const backends = createBackends();
  const { runId, path: runDir } = run;
  const context: RunContext = { runId, runDir, openStore: backends.store };
  const shipCode = createCodeShipper({ folder: join(runDir, 'code') });
  const storage = createRunStorage(resolved.storageAccess, shipCode);
  const { graceMs } = resolved;
  const start = (some: readonly Executor[]) => startExecutors(some, context, { prepare: storage.prepare, graceMs });
  await start(executors).catch(async (error) => {
    await backends.close();
    throw error;
  });
  const undo: (() => unknown)[] = [backends.close];
  const kernel = new DataFlowKernel({
    ...resolved,
    runId,
    runDir,
    executors,
    checkExecutors,
    startExecutors: start,
    storageOf: storage.of,
    routing: resolved.routing ?? leastLoaded,
    monitors: await monitorsOf(resolved, runDir),
    shipCode,
    fetch: fetchWhileOpen(backends),
    temporary: createTemporaryFolder(runDir, () => backends.staging()),
    autoLog: run.autoLog,
    now: Date.now,
    random: Math.random,
    later: callLater,
    warn: (message) => process.emitWarning(message, 'SluiceWarning'),
    report: (summary, unseenFailures) => reportSummary(runDir, summary, unseenFailures),
    onClosed: async () => {
      for (const step of undo.reverse()) await step();
    },
  });
  rememberStorage(kernel, storage);
  return opened(kernel, executors, resolved, undo);
}

async function opened(
  kernel: DataFlowKernel,
  executors: readonly Executor[],
  config: ResolvedConfig,
  undo: (() => unknown)[],
): Promise<DataFlowKernel> {
  try {
    if (config.asDefault) setDefaultKernel(kernel);
    const { runId, runDir } = kernel;
    undo.push(await openControlSocket({ runId, runDir, executors, stats: () => kernel.stats() }));
    if (config.handleSignals) undo.push(cancelOnSignals(kernel));
    return kernel;
  } catch (error) {
    await kernel.close();
    throw error;
  }
}

async function monitorsOf(config: ResolvedConfig, runDir: string): Promise<readonly Monitor[]> {
  const own: Monitor[] = [createEventLog(runDir)];
  if (config.progress) own.push((await import('../monitoring/progress.js')).createProgress(process.stderr));
  return [...own, ...config.monitors];
}

// Large values lie in the run's own part of the bucket, which goes when the kernel closes.
function fetchWhileOpen(backends: Backends): (url: string) => Promise<Uint8Array> {
  return async (url) => {
    try {
      return await backends.fetch(url);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'NOT_FOUND') throw error;
      throw new SluiceError(
        'KERNEL_CLOSED',
        `the value at ${url} went with its kernel: await large results before close`,
        { cause: error },
      );
    }
  };
}

function callLater(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
