import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createProcessTable } from '../../run/process-table.js';
import { ProcessWatcher } from '../../run/process-watcher.js';
import type { InvocationFault } from '../faults/fault.js';
import { createCodeCache } from './code-cache.js';
import { ConcurrencyLedger } from './concurrency-ledger.js';
import { EnvironmentPool, type PoolLimits } from './environment-pool.js';
import type { EnvironmentPlace } from './environment-variables.js';
import { EventQueue } from './event-queue.js';
import { functionArn } from './function-name.js';
import type { FunctionRecord } from './function-record.js';
import { openFunctionStore } from './function-store.js';
import { createFunctions, type Functions } from './functions.js';
import { startGroupReaper } from './group-reaper.js';
import type { InvocationResult } from './invocation-outcome.js';
import type { InvokeRequest } from './invoke-request.js';
import { createReservedConcurrency, type ReservedConcurrency } from './reserved-concurrency.js';

/** Where and how a {@link LambdaService} works. */
export interface LambdaServiceOptions extends PoolLimits, Pick<EnvironmentPlace, 'region' | 'credentials'> {
  /** State that survives a restart: functions and their code. */
  readonly folder: string;
  /** Unpacked code and environments' `/tmp`; removed by whoever made it, or by the reaper when this process is killed. */
  readonly workFolder: string;
  /** Invocations at the same time, over all functions. */
  readonly concurrency: number;
  readonly eventRetryDelaysMs: readonly number[];
  /** Main of another runtime than the one that belongs to this service. */
  readonly runtime?: string;
  /** The variables by which SDKs find local-cloud, once it listens. */
  cloudVariables(): Readonly<Record<string, string>>;
}

/** Lambda, as far as Sluice needs it: functions, and running them. */
export interface LambdaService {
  readonly region: string;
  readonly functions: Functions;
  readonly reservations: ReservedConcurrency;
  readonly ledger: ConcurrencyLedger;
  /** Runs a function and answers with its result. @throws {LambdaError} `TooManyRequestsException`, `ServiceException` */
  invoke(
    record: FunctionRecord,
    requestId: string,
    request: InvokeRequest,
    fault?: InvocationFault,
  ): Promise<InvocationResult>;
  /** Accepts an Event invocation. */
  enqueue(record: FunctionRecord, requestId: string, request: InvokeRequest, fault?: InvocationFault): void;
  /** Gives queued events `graceMs`, then kills every process. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Opens the state and gets ready to run functions; nothing is started before the first invocation. */
export async function startLambdaService(options: LambdaServiceOptions): Promise<LambdaService> {
  const { region, credentials, cloudVariables, runtime = builtRuntime() } = options;
  const workFolder = join(options.workFolder, 'environments');
  await mkdir(workFolder, { recursive: true });
  const store = await openFunctionStore(options.folder);
  const ledger = new ConcurrencyLedger(options.concurrency);
  const reservations = createReservedConcurrency(store, ledger);
  const reaper = startGroupReaper(options.workFolder);
  const watcher = new ProcessWatcher(createProcessTable());
  const taskRoot = createCodeCache(join(options.workFolder, 'code'), store.readCode);
  const pool = new EnvironmentPool(
    { region, credentials, runtime, watcher, reaper, workFolder, cloudVariables, taskRoot },
    options,
    ledger,
    ({ name, revisionId }) => store.get(name)?.revisionId === revisionId,
  );
  const functions = createFunctions({ region, store, ledger, onChange: () => pool.recycle() });
  const events = new EventQueue(
    async ({ functionName, request, fault }) =>
      pool.invoke(functions.find({ name: functionName, qualifier: '$LATEST' }), request, fault),
    options.eventRetryDelaysMs,
  );
  const toInvocation = (record: FunctionRecord, requestId: string, { payload, clientContext }: InvokeRequest) => ({
    requestId,
    functionArn: functionArn(region, record.name),
    payload,
    clientContext,
  });
  return {
    region,
    functions,
    reservations,
    ledger,
    async invoke(record, requestId, request, fault) {
      const invocation = toInvocation(record, requestId, request);
      const result = pool.invoke(record, invocation, fault);
      // The second delivery is nobody's: it waits for room where there is none, and fails unseen.
      if (fault?.kind === 'duplicate') events.deliver({ functionName: record.name, request: invocation });
      return result;
    },
    enqueue(record, requestId, request, fault) {
      const event = { functionName: record.name, request: toInvocation(record, requestId, request) };
      events.push(fault === undefined ? event : { ...event, fault });
      if (fault?.kind === 'duplicate') events.deliver(event);
    },
    async close({ graceMs }) {
      await events.close({ graceMs });
      await pool.close();
      reaper.close();
    },
  };
}

// As built, also under test: environments are plain `node` processes, which cannot run this project's sources.
function builtRuntime(): string {
  return createRequire(import.meta.url).resolve('#local-cloud/lambda-runtime');
}
