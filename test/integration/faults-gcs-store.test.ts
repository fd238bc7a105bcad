import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { describe, expect, test } from 'vitest';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import { type FaultyStore, lostAnswers } from './faulty-bucket.js';
import { LARGE, partsOf, same, storeFaults } from './store-faults.js';

const GCS: FaultyStore = {
  scheme: 'gs',
  operations: { put: 'storage.objects.insert', get: 'storage.objects.download', putPart: 'storage.objects.upload' },
  lateErrors: { 'a 503': 'backendError', 'a 429': 'rateLimitExceeded' },
  lostInParts: [
    { operation: 'storage.objects.startUpload', nth: 1 },
    { operation: 'storage.objects.upload', nth: 2 },
    // Each failure is followed by the question how it stands.
    { operation: 'storage.objects.upload', nth: 3 },
  ],
  leftByLostParts: 1,
  openBucket: async ({ cloud: { endpoint }, folder, bucket }) => {
    await new Storage({ apiEndpoint: endpoint, projectId: 'local-cloud' }).createBucket(bucket);
    return {
      storeWith: (patience) => createGcsStore({ bucket, endpoint, ...patience }),
      // The service does not list its uploads; here they are a file each.
      uploads: async () => (await readdir(join(folder, 'gcs/buckets', bucket, 'sessions'))).length,
      close: async () => {},
    };
  },
};

const use = storeFaults(GCS);

test('of uploads whose beginning got lost nothing is left that costs or is seen', async () => {
  const { store, once, injected, uploads } = use();
  const before = await uploads();
  const keys: string[] = [];
  for (const [name, fault] of lostAnswers(GCS)) {
    const key = `begun/${name}`;
    once({ operation: 'storage.objects.startUpload', fault });
    await store.putParts(key, LARGE.length, partsOf(LARGE));
    expect(injected()).toEqual([1]);
    keys.push(key);
  }
  // The service forgets a session whose URL nobody has; here they lie among its files.
  expect(await uploads()).toBe(before + keys.length);
  const listed: string[] = [];
  for await (const { key } of store.listAfter('begun/')) listed.push(key);
  expect(listed).toEqual(keys.sort());
});

describe('a cut upload', () => {
  test('of a part goes on from what had come of it, again and again', async () => {
    const { store, faults, injected } = use();
    faults.set([{ operation: 'storage.objects.upload', every: 3, fault: { kind: 'cut', where: 'upload' } }]);
    const larger = Buffer.concat([LARGE, LARGE]);
    const info = await store.putParts('cut-parts', larger.length, partsOf(larger));
    expect(injected()[0]).toBeGreaterThan(1);
    expect(info.size).toBe(larger.length);
    faults.set([]);
    expect(same(await store.get('cut-parts'), larger)).toBe(true);
  });
});
