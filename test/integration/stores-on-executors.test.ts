import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { LambdaExecutor } from 'sluice/aws';
import { LocalProvider } from 'sluice/hpc';
import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createZipStaging } from '../../src/data/zip/zip-staging.js';
import type { Executor } from '../../src/executors/executor.js';
import { HighThroughputExecutor } from '../../src/executors/htex/high-throughput-executor.js';
import { deployLambda } from '../../src/executors/lambda/deploy-lambda.js';
import { ThreadPoolExecutor } from '../../src/executors/threads/thread-pool-executor.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { ScriptedFtpServer } from '../fixtures/ftp/scripted-ftp-server.js';
import { ScriptedGlobus } from '../fixtures/globus/scripted-globus.js';
import { type Elsewhere, elsewhere } from '../fixtures/htex/elsewhere.js';
import { ScriptedServer } from '../fixtures/http/scripted-server.js';
import { type BucketCloud, startBucketCloud } from './bucket-cloud.js';
import { findRsync, startRsyncDaemon } from './rsync-daemon.js';
import { findSshd, startSshd } from './sshd-server.js';
import { runAppsOver, type StoreOfApps } from './staging-apps.js';

const GLOBUS = { far: '11111111-1111-4111-8111-111111111111', own: '22222222-2222-4222-8222-222222222222' };

let cloud: BucketCloud;
/** What this file's servers live in, one folder each. */
let folder: string;
let endings: (() => unknown)[];
/** Some pilots see nothing of the client's folder. */
let place: Elsewhere;
let stores: Readonly<Record<string, StoreOfApps>>;
beforeAll(async () => {
  endings = [];
  cloud = await startBucketCloud();
  endings.push(() => cloud.close());
  folder = await mkdtemp(join(tmpdir(), 'sluice-stores-'));
  endings.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  place = await elsewhere();
  endings.push(() => place[Symbol.asyncDispose]());
  stores = await startStores();
  await deployLambda({ role: 'arn:aws:iam::000000000000:role/worker', memoryMiB: 512, environment: variables() });
});
afterAll(async () => {
  for (const end of endings.reverse()) await end();
  vi.unstubAllEnvs();
});

/** What the workers of a function have to know of the servers; other workers inherit it. */
function variables(): Record<string, string> {
  const names = /^(SLUICE_(SSH|GLOBUS)|GLOBUS_|STORAGE_|GOOGLE_)/;
  const found = Object.entries(process.env).filter(([name, value]) => names.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

const EXECUTORS: Readonly<Record<string, () => Executor>> = {
  threads: () => new ThreadPoolExecutor({ maxThreads: 2 }),
  pilots: () => new HighThroughputExecutor({ provider: new LocalProvider({}), maxWorkersPerNode: 2 }),
  'pilots elsewhere': () =>
    new HighThroughputExecutor({
      provider: place.provider(),
      maxWorkersPerNode: 2,
      bucket: cloud.bucket,
    }),
  lambda: () => new LambdaExecutor({ bucket: cloud.bucket }),
};

/** Which cannot be: the archive, or the collection, would have to be on the worker's own machine. */
const IMPOSSIBLE: Readonly<Record<string, readonly string[]>> = { zip: ['pilots elsewhere', 'lambda'] };

const NAMES = ['file', 's3', 'gs', 'http', 'ftp', 'globus', 'zip'];
if (findSshd()) NAMES.push('sftp');
if (findRsync()) NAMES.push('rsync');

describe.each(NAMES)('%s:', (store) => {
  for (const [executor, create] of Object.entries(EXECUTORS)) {
    if (IMPOSSIBLE[store]?.includes(executor)) continue;
    test(`apps on ${executor} read and write files there, and wait for them`, async () => {
      await runAppsOver(within(stores[store] as StoreOfApps, executor.replace(' ', '-')), { executors: [create()] });
    });
  }
});

/** A part of a store that no other executor's apps see. */
function within({ urlOf, write, read, ...rest }: StoreOfApps, part: string): StoreOfApps {
  const at = (name: string) => `${part}/${name}`;
  return {
    ...rest,
    urlOf: (name) => urlOf(at(name)),
    write: (name, text) => write(at(name), text),
    read: (name) => read(at(name)),
  };
}

async function startStores(): Promise<Record<string, StoreOfApps>> {
  return {
    file: onDisk('local', (path) => path, join(place.client, 'local')),
    s3: await s3Bucket(),
    gs: await gcsBucket(),
    http: await webServer(),
    ftp: await ftpServer(),
    globus: await globusCollection(),
    zip: archive(),
    ...(findSshd() && { sftp: await sftpServer() }),
    ...(findRsync() && { rsync: await rsyncServer() }),
  };
}

const encoded = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/** A server's files, looked at where they lie. */
function onDisk(name: string, urlAt: (path: string) => string, below = join(folder, name)): StoreOfApps {
  return {
    urlOf: (file) => urlAt(join(below, file)),
    async write(file, text) {
      await mkdir(dirname(join(below, file)), { recursive: true });
      await writeFile(join(below, file), text);
    },
    read: (file) => readFile(join(below, file), 'utf8'),
  };
}

function bucketOf(store: ObjectStore): StoreOfApps {
  endings.push(() => store.close());
  return {
    urlOf: (name) => `${store.url}/stores/${name}`,
    write: async (name, text) => void (await store.put(`stores/${name}`, Buffer.from(text))),
    read: async (name) => Buffer.from(await store.get(`stores/${name}`)).toString(),
  };
}

async function s3Bucket(): Promise<StoreOfApps> {
  const s3 = new S3Client({ forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'data-of-apps' }));
  s3.destroy();
  return bucketOf(createS3Store({ bucket: 'data-of-apps' }));
}

async function gcsBucket(): Promise<StoreOfApps> {
  const made = await fetch(`${cloud.endpoint}/storage/v1/b?project=p`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'data-of-apps-too' }),
  });
  if (!made.ok) throw new Error(`no bucket: ${await made.text()}`);
  return bucketOf(createGcsStore({ bucket: 'data-of-apps-too' }));
}

async function webServer(): Promise<StoreOfApps> {
  const server = await ScriptedServer.start();
  endings.push(() => server.close());
  return {
    urlOf: (name) => `${server.origin}/${encoded(name)}`,
    write: async (name, text) => server.put(`/${encoded(name)}`, text),
    read: async (name) => Buffer.from(server.files.get(`/${encoded(name)}`)?.content ?? []).toString(),
    withoutFolders: true,
  };
}

async function ftpServer(): Promise<StoreOfApps> {
  await mkdir(join(folder, 'ftp'));
  const server = await ScriptedFtpServer.start(join(folder, 'ftp'));
  endings.push(() => server.close());
  const root = join(folder, 'ftp');
  const login = `ftp://alice:open-sesame@127.0.0.1:${server.port}`;
  return onDisk('ftp', (path) => `${login}/${encoded(path.slice(root.length + 1))}`);
}

async function globusCollection(): Promise<StoreOfApps> {
  const [far, own] = [join(folder, 'globus'), join(folder, 'globus-own')];
  for (const path of [far, own]) await mkdir(path);
  const globus = await ScriptedGlobus.start({ [GLOBUS.far]: far, [GLOBUS.own]: own });
  endings.push(() => globus.close());
  for (const [key, value] of Object.entries(globus.environment)) vi.stubEnv(key, value);
  const options = { endpointId: GLOBUS.own, endpointPath: '/', localPath: own, pollMs: 5, gatherMs: 20 };
  vi.stubEnv('SLUICE_GLOBUS_OPTIONS', JSON.stringify({ ...options, accessToken: 'valid-token' }));
  return onDisk('globus', (path) => `globus://${GLOBUS.far}/${encoded(path.slice(far.length + 1))}`);
}

async function sftpServer(): Promise<StoreOfApps> {
  const sshd = await startSshd();
  endings.push(() => sshd.close());
  vi.stubEnv('SLUICE_SSH_CONFIG', sshd.configFile);
  return onDisk('sftp', (path) => `sftp://localhost${encoded(path)}`, join(sshd.folder, 'files'));
}

async function rsyncServer(): Promise<StoreOfApps> {
  const { origin, place: root, close } = await startRsyncDaemon();
  endings.push(close);
  return onDisk('rsync', (path) => `${origin}/place/${encoded(path.slice(root.length + 1))}`, root);
}

function archive(): StoreOfApps {
  const staging = createZipStaging();
  endings.push(() => staging.close());
  const urlOf = (name: string) => `zip:${folder}/all.zip/${encoded(name)}`;
  const signal = new AbortController().signal;
  const path = join(folder, 'looked-at');
  return {
    urlOf,
    async write(name, text) {
      await writeFile(path, text);
      await staging.stageOut(new DataFile(urlOf(name)), { path, signal });
    },
    async read(name) {
      await rm(path, { force: true });
      await staging.stageIn(new DataFile(urlOf(name)), { suggestedPath: path, signal });
      return readFile(path, 'utf8');
    },
  };
}
