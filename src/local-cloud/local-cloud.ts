import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.js';
import { createCloudServer } from './cloud-server.js';
import type { Faults } from './faults/fault.js';
import { createFaults, type FaultSource } from './faults/faults.js';
import { openServiceAccount, type ServiceAccount } from './gcs/auth/service-account.js';
import { createGcsService } from './gcs/gcs-service.js';
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
  /** The variables that lead AWS's and Google's SDKs and tools here. */
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
 * Starts S3, Lambda and Cloud Storage on 127.0.0.1, for AWS's and Google's own SDKs: buckets and functions on disk,
 * functions really run, each execution environment in a process of its own. Every signature and token is verified;
 * Cloud Storage takes requests without one as well, unless told otherwise, as Google's SDKs send them to an emulator.
 *
 * What it does not play: versions and aliases, layers, streamed responses, IAM (the one key may do everything), the
 * freezing of idle environments, limits on `/tmp`, and Node.js versions: functions run on the version that runs
 * local-cloud, whatever their `Runtime` says, and bring their own AWS SDK. Of Cloud Storage: versions of objects other
 * than the live one, access control, holds, encryption keys of one's own.
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
    const { endpoint, cloudVariables } = await startServices(resolved, faults, undo);
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= undoAll());
    const env = { ...cloudVariables, ...credentialsOf(resolved) };
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

// How long requests to object stores that are under way may take to end at close.
const STORE_GRACE_MS = 1000;

/** Starts everything, bottom up; what must be undone at close is pushed to `undo` as it is done. */
async function startServices(
  options: ResolvedLocalCloudOptions,
  faults: FaultSource,
  undo: (() => Promise<unknown>)[],
): Promise<{ readonly endpoint: string; readonly cloudVariables: Variables }> {
  const { region, accessKeyId, secretAccessKey, graceMs } = options;
  const workFolder = await mkdtemp(join(tmpdir(), 'sluice-local-cloud-'));
  undo.push(() => rm(workFolder, { recursive: true, force: true, maxRetries: 3 }));
  const folder = resolve(options.folder ?? join(workFolder, 'state'));
  await mkdir(folder, { recursive: true });
  undo.push(await lockFolder(folder));

  const secretOf = (id: string): string | undefined => (id === accessKeyId ? secretAccessKey : undefined);
  const stores = await openStores(folder, { options, faults, secretOf });
  undo.push(() => stores.close());
  const server = createCloudServer(stores.handlers);
  const endpoint = (): string => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const cloudVariables = (): Variables => variablesFor(endpoint(), stores.account, options);
  const lambda = await startLambdaService({
    ...options,
    folder: join(folder, 'lambda'),
    workFolder,
    credentials: { accessKeyId, secretAccessKey },
    cloudVariables,
  });
  undo.push(() => server.close());
  undo.push(() => Promise.race([stores.close(), sleep(STORE_GRACE_MS, undefined, { ref: false })]));
  undo.push(() => lambda.close({ graceMs }));
  serveLambda(server, lambda, { authorize: createLambdaAuthorize({ region, secretOf }), faults });
  await listen(server, options.port);
  await stores.account.writeKeyFile(endpoint());
  return { endpoint: endpoint(), cloudVariables: cloudVariables() };
}

interface Stores {
  readonly handlers: Parameters<typeof createCloudServer>[0];
  /** The one identity of Cloud Storage. */
  readonly account: ServiceAccount;
  close(): Promise<unknown>;
}

/** S3 and Cloud Storage, without a socket yet. */
async function openStores(
  folder: string,
  how: {
    readonly options: ResolvedLocalCloudOptions;
    readonly faults: FaultSource;
    readonly secretOf: (accessKeyId: string) => string | undefined;
  },
): Promise<Stores> {
  const { options, faults, secretOf } = how;
  const { region, project } = options;
  const account = await openServiceAccount(join(folder, 'gcs'), project);
  const anonymous = options.gcsAnonymous === 'allowed';
  const { s3Regions: furtherRegions } = options;
  const s3 = createS3Service({ folder: join(folder, 's3'), credentials: secretOf, region, furtherRegions, faults });
  const gcs = createGcsService({ folder: join(folder, 'gcs', 'buckets'), project, account, anonymous, faults });
  return {
    handlers: {
      s3: (request, response) => void s3.handle(request, response),
      gcs: (request, response) => void gcs.handle(request, response),
    },
    account,
    close: () => Promise.all([s3.close(), gcs.close()]),
  };
}

type Variables = Readonly<Record<string, string>>;

async function listen(server: ReturnType<typeof createCloudServer>, port: number): Promise<void> {
  try {
    await server.listen({ host: '127.0.0.1', port });
  } catch (cause) {
    throw new SluiceError('INVALID_OPTIONS', `port: cannot listen on 127.0.0.1:${port}: ${String(cause)}`, { cause });
  }
}

// Google's SDKs send nothing of the key file to an emulator, and sign URLs with it.
function variablesFor(
  endpoint: string,
  { keyFile }: ServiceAccount,
  { project }: ResolvedLocalCloudOptions,
): Variables {
  return {
    AWS_ENDPOINT_URL: endpoint,
    STORAGE_EMULATOR_HOST: endpoint,
    GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    GOOGLE_CLOUD_PROJECT: project,
  };
}

function credentialsOf({ region, accessKeyId, secretAccessKey }: ResolvedLocalCloudOptions): Variables {
  return { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

function applyEnv(env: Variables): () => void {
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
