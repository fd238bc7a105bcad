import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyFiles } from '../../src/data/copy-files.js';
import { DataFile } from '../../src/data/data-file.js';
import { createGcsStaging } from '../../src/data/gcs/gcs-staging.js';
import { createLocalStaging } from '../../src/data/local/local-staging.js';
import { createS3Staging } from '../../src/data/s3/s3-staging.js';
import type { Staging } from '../../src/data/staging.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { retrying } from '../../src/object-store/retry-policy.js';
import { runParallel } from '../../src/object-store/run-parallel.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { type CrowdedServer, crowdedServer } from './crowded-server.js';

const MEBIBYTE = 1024 * 1024;
const FILES = 300;
const CAPACITY = 8;
const { signal } = new AbortController();
const retry = { attempts: 12, baseDelayMs: 10, maxDelayMs: 200 };

const slowDown = (response: ServerResponse): void => {
  const body = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
  response.writeHead(503, { 'content-type': 'application/xml' }).end(body);
};
const rateLimitExceeded = (response: ServerResponse): void => {
  const error = { code: 429, message: 'Rate limit exceeded.', errors: [{ reason: 'rateLimitExceeded' }] };
  response.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
};

let cloud: LocalCloud;
let folder: string;
const local = createLocalStaging();

beforeAll(async () => {
  cloud = await startLocalCloud();
  folder = await mkdtemp(join(tmpdir(), 'sluice-crowded-'));
  await mkdir(join(folder, 'here'));
  for (let index = 0; index < FILES; index += 1) await writeFile(join(folder, 'here', `${index}`), randomBytes(20_000));
  await writeFile(join(folder, 'here', 'large'), randomBytes(70 * MEBIBYTE));
});
afterAll(async () => {
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

async function fetched(url: string): Promise<void> {
  const response = await fetch(url);
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`status ${response.status}`);
}

interface Crowded {
  readonly name: string;
  readonly scheme: 's3' | 'gs';
  readonly refuse: (response: ServerResponse) => void;
  open(endpoint: string): Promise<{ readonly store: ObjectStore; readonly staging: Staging }>;
  /** Where anybody may read an object. */
  urlOf(store: ObjectStore, endpoint: string, key: string): Promise<string>;
}

const CROWDED: readonly Crowded[] = [
  {
    name: 'S3, by 503 SlowDown',
    scheme: 's3',
    refuse: slowDown,
    async open(endpoint) {
      const { region } = cloud;
      const credentials = { accessKeyId: 'LOCALCLOUDKEY', secretAccessKey: 'local-cloud-secret' };
      const s3 = new S3Client({ endpoint: cloud.endpoint, region, credentials, forcePathStyle: true });
      await s3.send(new CreateBucketCommand({ Bucket: 'crowded' }));
      s3.destroy();
      const store = createS3Store({ bucket: 'crowded', endpoint, region, credentials, retry });
      return { store, staging: createS3Staging({ openStore: () => store }) };
    },
    urlOf: (store, _, key) => store.presign(key, { method: 'GET', expiresInSeconds: 600 }),
  },
  {
    name: 'Cloud Storage, by 429',
    scheme: 'gs',
    refuse: rateLimitExceeded,
    async open(endpoint) {
      await new Storage({ apiEndpoint: cloud.endpoint, projectId: 'local-cloud' }).createBucket('crowded');
      const store = createGcsStore({ bucket: 'crowded', endpoint, retry });
      return { store, staging: createGcsStaging({ openStore: () => store }) };
    },
    urlOf: async (_, endpoint, key) => `${endpoint}/storage/v1/b/crowded/o/${key}?alt=media`,
  },
];

describe.each(CROWDED)(
  'a service that takes 8 at a time and refuses the others: $name',
  ({ scheme, refuse, open, urlOf }) => {
    let server: CrowdedServer;
    let store: ObjectStore;
    let staging: Staging;
    const names = [...Array.from({ length: FILES }, (_, index) => `${index}`), 'large'];
    const here = (name: string) => new DataFile(join(folder, 'here', name));
    const back = (name: string) => new DataFile(join(folder, scheme, name));
    const there = (name: string) => new DataFile(`${scheme}://crowded/${name}`);

    beforeAll(async () => {
      await mkdir(join(folder, scheme));
      server = await crowdedServer(cloud.endpoint, CAPACITY, refuse);
      ({ store, staging } = await open(server.endpoint));
    });
    afterAll(async () => {
      await store.close();
      await server.close();
    });

    const copy = async (from: (name: string) => DataFile, to: (name: string) => DataFile) => {
      server.reset();
      const copies = names.map((name) => ({ source: from(name), target: to(name) }));
      await copyFiles([staging, local], copies, { signal });
      return server.count();
    };

    test('every file is right, and few requests are refused, once it is known, of many without', async () => {
      const out = await copy(here, there);
      const home = await copy(there, back);
      for (const name of names) {
        expect((await readFile(back(name).path)).equals(await readFile(here(name).path)), name).toBe(true);
      }
      server.reset();
      // As many at a time as files are begun, and nobody learns.
      await runParallel(names.slice(0, FILES), { limit: 64, signal }, async (key) => {
        const url = await urlOf(store, server.endpoint, key);
        const isTransient = (error: unknown) => error instanceof Error && /^status (429|503)$/.test(error.message);
        const policy = { ...retry, attempts: 1_000, deadlineMs: 120_000 };
        await retrying(() => fetched(url), { policy, isTransient, what: 'without' });
      });
      const without = server.count();
      expect(out.refused).toBeLessThan(60);
      expect(home.refused).toBeLessThan(60);
      expect(without.refused).toBeGreaterThan(3 * home.refused);
    });
  },
);
