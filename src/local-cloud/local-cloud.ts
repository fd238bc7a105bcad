import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.js';
import { createCloudServer } from './cloud-server.js';
import type { Faults } from './faults/fault.js';
import { createFaults, type FaultSource } from './faults/faults.js';
import { createLambdaAuthorize } from './lambda/authorize-lambda.js';
import { serveLambda } from './lambda/lambda-routes.js';
import { startLambdaService } from './lambda/lambda-service.js';
import {
  type LocalCloudOptions,
  type ResolvedLocalCloudOptions,
  resolveLocalCloudOptions,
} from './local-cloud-options.js';
import { createS3Service } from './s3/s3-service.js';
import { lockFolder } from './state-lock.js';

/** A running local-cloud. */
export interface LocalCloud extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the endpoint of every service. */
  readonly endpoint: string;
  readonly region: string;
  /** The variables that lead AWS's SDKs and tools here. */
  readonly env: Readonly<Record<string, string>>;
  /** What goes wrong, besides what the services document; may be changed while it runs. */
  readonly faults: Faults;
  /** Sets {@link env} in this process; call what it returns to restore what was there before. */
  applyEnv(): () => void;
  /**
   * Gives queued Event invocations `graceMs`, kills every function's process, stops listening and, when no folder was
   * given, removes all state. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Starts S3 and Lambda on 127.0.0.1, for AWS's own SDKs: buckets and functions on disk, functions really run, each
 * execution environment in a process of its own. Every request's signature is verified.
 *
 * What it does not play: versions and aliases, layers, streamed responses, IAM (the one key may do everything), the
 * freezing of idle environments, limits on `/tmp`, and Node.js versions: functions run on the version that runs
 * local-cloud, whatever their `Runtime` says, and bring their own AWS SDK.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once; also for a folder in use or a port taken.
 */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const resolved = resolveLocalCloudOptions(options);
  const undo: (() => Promise<unknown>)[] = [];
  // Last in, first out; what fails does not keep the rest from being undone.
  const undoAll = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step().catch(() => undefined);
  };
  try {
    const faults = createFaults({ rules: resolved.faults, seed: resolved.faultSeed, log: resolved.log });
    const endpoint = await startServices(resolved, faults, undo);
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= undoAll());
    const env = environmentOf(endpoint, resolved);
    return {
      endpoint,
      region: resolved.region,
      env,
      faults,
      applyEnv: () => applyEnv(env),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await undoAll();
    throw error;
  }
}

// How long S3 requests under way may take to end at close.
const S3_GRACE_MS = 1000;

/** Starts everything, bottom up; what must be undone at close is pushed to `undo` as it is done. */
async function startServices(
  options: ResolvedLocalCloudOptions,
  faults: FaultSource,
  undo: (() => Promise<unknown>)[],
): Promise<string> {
  const { region, accessKeyId, secretAccessKey, graceMs } = options;
  const workFolder = await mkdtemp(join(tmpdir(), 'sluice-local-cloud-'));
  undo.push(() => rm(workFolder, { recursive: true, force: true, maxRetries: 3 }));
  const folder = resolve(options.folder ?? join(workFolder, 'state'));
  await mkdir(folder, { recursive: true });
  undo.push(await lockFolder(folder));

  const secretOf = (id: string): string | undefined => (id === accessKeyId ? secretAccessKey : undefined);
  const s3 = createS3Service({ folder: join(folder, 's3'), credentials: secretOf, region, faults });
  undo.push(() => s3.close());
  const server = createCloudServer((request, response) => void s3.handle(request, response));
  const endpoint = (): string => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const lambda = await startLambdaService({
    ...options,
    folder: join(folder, 'lambda'),
    workFolder,
    credentials: { accessKeyId, secretAccessKey },
    endpoint,
  });
  undo.push(() => server.close());
  undo.push(() => Promise.race([s3.close(), sleep(S3_GRACE_MS, undefined, { ref: false })]));
  undo.push(() => lambda.close({ graceMs }));
  serveLambda(server, lambda, { authorize: createLambdaAuthorize({ region, secretOf }), faults });
  await listen(server, options.port);
  return endpoint();
}

async function listen(server: ReturnType<typeof createCloudServer>, port: number): Promise<void> {
  try {
    await server.listen({ host: '127.0.0.1', port });
  } catch (cause) {
    throw new SluiceError('INVALID_OPTIONS', `port: cannot listen on 127.0.0.1:${port}: ${String(cause)}`, { cause });
  }
}

function environmentOf(endpoint: string, options: ResolvedLocalCloudOptions): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: options.region,
    AWS_ACCESS_KEY_ID: options.accessKeyId,
    AWS_SECRET_ACCESS_KEY: options.secretAccessKey,
  };
}

function applyEnv(env: Readonly<Record<string, string>>): () => void {
  // Left standing, a token or a profile of the user's would be sent along with, or instead of, the keys set here.
  const names = [...Object.keys(env), 'AWS_SESSION_TOKEN', 'AWS_PROFILE'];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, env);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
