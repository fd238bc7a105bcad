import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { downloadObject } from '../../src/data/objects/download-object.js';
import { uploadFile } from '../../src/data/objects/upload-file.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { requireOrSkip } from './required-server.js';

/** A program that has been written against Cloud Storage itself, and by none of us. */
interface Client {
  readonly name: string;
  readonly install: string;
  run(cloud: LocalCloud, home: string): (...args: readonly string[]) => Promise<string>;
  /** Words of the commands. */
  readonly make: readonly string[];
  readonly copy: readonly string[];
  readonly move: readonly string[];
  url(key: string): string;
}

const runner =
  (command: string, first: readonly string[], env: Record<string, string>) =>
  async (...args: readonly string[]) =>
    (
      await promisify(execFile)(command, [...first, ...args], {
        // Nothing of this machine's configuration.
        env: { PATH: process.env.PATH ?? '', HOME: env.HOME ?? '', ...env },
        timeout: 100_000,
      })
    ).stdout;

const CLIENTS: readonly Client[] = [
  {
    name: 'rclone',
    install: 'apt-get install rclone',
    run: ({ endpoint }, home) =>
      runner('rclone', ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1'], {
        HOME: home,
        RCLONE_CONFIG_G_TYPE: 'google cloud storage',
        RCLONE_CONFIG_G_ENDPOINT: endpoint,
        RCLONE_CONFIG_G_ANONYMOUS: 'true',
        RCLONE_CONFIG_G_PROJECT_NUMBER: 'local-cloud',
        RCLONE_CONFIG_G_BUCKET_POLICY_ONLY: 'true',
      }),
    make: ['mkdir'],
    copy: ['copyto'],
    move: ['moveto'],
    url: (key) => `g:${key}`,
  },
  {
    name: 'gcloud',
    install: "Google's package google-cloud-cli",
    run: ({ endpoint }, home) =>
      runner('gcloud', ['storage'], {
        HOME: home,
        CLOUDSDK_CONFIG: home,
        CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${endpoint}/storage/v1/`,
        CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
        CLOUDSDK_CORE_PROJECT: 'local-cloud',
        CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
        CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
      }),
    make: ['buckets', 'create'],
    copy: ['cp'],
    move: ['mv'],
    url: (key) => `gs://${key}`,
  },
];

const signal = AbortSignal.timeout(600_000);
const MEBIBYTE = 1024 * 1024;
const FILES = {
  empty: 0,
  small: 6,
  'a b#c%2F/ü.bin': 300_000,
  large: 40 * MEBIBYTE + 3,
} as const;

for (const client of CLIENTS) {
  const found = requireOrSkip(client.name, { command: client.name, install: client.install });
  describe.skipIf(!found)(`beside ${client.name}`, () => {
    let folder: string;
    let cloud: LocalCloud;
    let store: ObjectStore;
    let run: ReturnType<Client['run']>;
    const contents = new Map<string, Buffer>();
    const here = (name: string) => join(folder, 'here', name);

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sluice-gcs-clients-'));
      cloud = await startLocalCloud({ folder: join(folder, 'cloud') });
      store = createGcsStore({ bucket: 'bucket', endpoint: cloud.endpoint });
      await mkdir(join(folder, 'home'));
      run = client.run(cloud, join(folder, 'home'));
      await run(...client.make, client.url('bucket'));
      for (const [name, size] of Object.entries(FILES)) {
        contents.set(name, randomBytes(size));
        await mkdir(dirname(here(name)), { recursive: true });
        await writeFile(here(name), contents.get(name) ?? '');
      }
    });
    afterAll(async () => {
      await store?.close();
      await cloud?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('what it writes is read here, checksums and all', async () => {
      for (const name of Object.keys(FILES)) {
        await run(...client.copy, here(name), client.url(`bucket/theirs/${name}`));
        const path = join(folder, 'read');
        const info = await downloadObject(store, `theirs/${name}`, { path, signal });
        expect([name, info.size]).toEqual([name, contents.get(name)?.length]);
        expect((await readFile(path)).equals(contents.get(name) as Buffer)).toBe(true);
      }
    });

    test('what is written here is read by it', async () => {
      for (const name of Object.keys(FILES)) {
        await uploadFile(store, `ours/${name}`, { path: here(name), signal });
        const path = join(folder, 'theirs');
        await run(...client.copy, client.url(`bucket/ours/${name}`), path);
        expect([name, (await readFile(path)).equals(contents.get(name) as Buffer)]).toEqual([name, true]);
        await rm(path);
      }
    });

    test('what it moves has moved', async () => {
      await store.put('from', Buffer.from('moved'));
      await run(...client.move, client.url('bucket/from'), client.url('bucket/to'));
      expect(await store.head('from')).toBeUndefined();
      expect(Buffer.from(await store.get('to')).toString()).toBe('moved');
    });
  });
}
