import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, type GcsServer, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer();
});
afterAll(() => server.close());

describe('buckets', () => {
  test('are made once, found, listed and deleted', async () => {
    const { storage } = server;
    await storage.createBucket('first-bucket', { location: 'europe-west1' });
    expect(await answerOf(storage.createBucket('first-bucket'))).toBe('409 conflict');
    const [metadata] = await storage.bucket('first-bucket').getMetadata();
    expect(metadata).toMatchObject({ kind: 'storage#bucket', name: 'first-bucket', location: 'EUROPE-WEST1' });
    expect(await storage.bucket('first-bucket').exists()).toEqual([true]);
    await storage.bucket('first-bucket').delete();
    expect(await storage.bucket('first-bucket').exists()).toEqual([false]);
    expect(await answerOf(storage.bucket('first-bucket').delete())).toBe('404 notFound');
  });

  test('are not deleted with objects in them', async () => {
    const bucket = server.storage.bucket('full-bucket');
    await bucket.create();
    await bucket.file('object').save('x', { resumable: false });
    expect(await answerOf(bucket.delete())).toBe('409 conflict');
    await bucket.file('object').delete();
    await bucket.delete();
  });

  test('are listed by name, page by page', async () => {
    const names = ['list-a', 'list-b', 'list-c', 'other'];
    for (const name of names) await server.storage.createBucket(name);
    const pages: string[][] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
      const query = `project=p&prefix=list-&maxResults=2&pageToken=${pageToken}&fields=items/name,nextPageToken`;
      const page = JSON.parse((await statusOf(`${server.endpoint}/storage/v1/b?${query}`)).text);
      pages.push(page.items.map(({ name }: { name: string }) => name));
      pageToken = page.nextPageToken;
    }
    expect(pages).toEqual([['list-a', 'list-b'], ['list-c']]);
  });

  test.each([
    'ab',
    'Upper',
    '-dash',
    'dash-',
    '127.0.0.1',
    'goog-le',
    'my-google-bucket',
    'g00gle',
    'a'.repeat(64),
    'a..b',
  ])('are not called %s', async (name) => {
    const body = JSON.stringify({ name });
    const { status, reason } = await statusOf(`${server.endpoint}/storage/v1/b?project=p`, { method: 'POST', body });
    expect([status, reason]).toEqual([400, 'invalid']);
  });

  test('may be called by several names with dots', async () => {
    await server.storage.createBucket('my_bucket.example.com');
    expect(await server.storage.bucket('my_bucket.example.com').exists()).toEqual([true]);
  });

  test('keep their lifecycle and labels word for word', async () => {
    const bucket = server.storage.bucket('with-rules');
    await bucket.create();
    const rule = { action: { type: 'Delete' as const }, condition: { age: 1 } };
    await bucket.addLifecycleRule(rule);
    await bucket.setMetadata({ labels: { team: 'a', stage: 'b' } });
    const [metadata] = await bucket.getMetadata();
    expect(metadata.lifecycle).toEqual({ rule: [rule] });
    expect(metadata.labels).toEqual({ team: 'a', stage: 'b' });
  });

  test('are not said to have what is not played', async () => {
    const bucket = server.storage.bucket('plain-bucket');
    await bucket.create();
    expect(await answerOf(bucket.setMetadata({ versioning: { enabled: true } }))).toBe('501 notImplemented');
  });

  test('need a project to be made in and listed for', async () => {
    const url = `${server.endpoint}/storage/v1/b`;
    expect(await statusOf(url)).toMatchObject({ status: 400, reason: 'invalidParameter' });
    expect(await statusOf(url, { method: 'POST', body: '{"name":"no-project"}' })).toMatchObject({ status: 400 });
  });
});

test('what is not understood is refused', async () => {
  const url = `${server.endpoint}/storage/v1`;
  expect(await statusOf(`${url}/b/some-bucket/iam`)).toMatchObject({ status: 404, reason: 'notFound' });
  expect(await statusOf(`${url}/b`, { method: 'DELETE' })).toMatchObject({ status: 405, reason: 'methodNotAllowed' });
  expect(await statusOf(`${url}/b?project=p&softDeleted=true`)).toMatchObject({
    status: 501,
    reason: 'notImplemented',
  });
  expect(await statusOf(`${url}/b/%zz`)).toMatchObject({ status: 400, reason: 'badRequest' });
  expect(await statusOf(`${url}/b?project=%zz`)).toMatchObject({ status: 400, reason: 'badRequest' });
  expect(await statusOf(`${url}/b?project=p`, { method: 'POST', body: '{"name"' })).toMatchObject({
    reason: 'parseError',
  });
});

test('paths without /storage/v1 are those of STORAGE_EMULATOR_HOST', async () => {
  await server.storage.createBucket('emulated');
  expect(await statusOf(`${server.endpoint}/b/emulated`)).toMatchObject({ status: 200 });
  expect(await statusOf(`${server.endpoint}/b/emulated/o`)).toMatchObject({ status: 200 });
});
