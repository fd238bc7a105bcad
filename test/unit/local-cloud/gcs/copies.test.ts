import { randomBytes } from 'node:crypto';
import { CRC32C } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, type GcsServer, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer();
  for (const name of ['bucket', 'other']) await server.storage.createBucket(name);
});
afterAll(() => server.close());

const bytes = randomBytes(300_000);
const file = (name: string, bucket = 'bucket') => server.storage.bucket(bucket).file(name);
const save = (name: string, content: Buffer | string = bytes, options = {}) =>
  file(name).save(content, { resumable: false, ...options });
const compose = (name: string, body: object, query = '') =>
  statusOf(`${server.endpoint}/storage/v1/b/bucket/o/${name}/compose${query}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
const sources = (...names: string[]) => ({ sourceObjects: names.map((name) => ({ name })) });

describe('a copy', () => {
  test('has the bytes of its source and what was said of it, in another bucket too', async () => {
    await save('source', bytes, { contentType: 'text/x', metadata: { metadata: { a: 'b' } } });
    await file('source').copy(file('copied %2F', 'other'));
    expect((await file('copied %2F', 'other').download())[0].equals(bytes)).toBe(true);
    const [metadata] = await file('copied %2F', 'other').getMetadata();
    expect(metadata).toMatchObject({ contentType: 'text/x', metadata: { a: 'b' }, bucket: 'other' });
    await file('source').delete();
    expect((await file('copied %2F', 'other').download())[0].equals(bytes)).toBe(true);
  });

  test('is said of what the request says instead', async () => {
    await save('said', bytes, { contentType: 'text/x', metadata: { metadata: { a: 'b' } } });
    await file('said').copy(file('said-anew'), { contentType: 'text/y' });
    const [metadata] = await file('said-anew').getMetadata();
    expect(metadata.contentType).toBe('text/y');
  });

  test('keeps to the conditions on both sides', async () => {
    await save('from');
    await save('to', 'there');
    const generation = Number((await file('from').getMetadata())[0].generation);
    const url = (query: string) => `${server.endpoint}/storage/v1/b/bucket/o/from/rewriteTo/b/bucket/o/to?${query}`;
    const ask = (query: string) => statusOf(url(query), { method: 'POST' });
    expect(await ask('ifGenerationMatch=0')).toMatchObject({ status: 412 });
    expect(await ask(`ifSourceGenerationMatch=${generation + 1}`)).toMatchObject({ status: 412 });
    expect(await ask(`sourceGeneration=${generation + 1}`)).toMatchObject({ status: 404 });
    expect((await file('to').download())[0].toString()).toBe('there');
    const done = await ask(`ifSourceGenerationMatch=${generation}`);
    expect(JSON.parse(done.text)).toMatchObject({ done: true, objectSize: '300000', resource: { name: 'to' } });
    expect(await answerOf(file('never').copy(file('to')))).toBe('404 notFound');
    const legacy = await statusOf(url('').replace('rewriteTo', 'copyTo'), { method: 'POST' });
    expect(JSON.parse(legacy.text)).toMatchObject({ kind: 'storage#object', name: 'to' });
  });
});

describe('an object composed of others', () => {
  test('has their bytes in a row, a CRC32C and no MD5, and outlives them', async () => {
    const parts = [bytes.subarray(0, 1000), bytes.subarray(1000, 200_000), bytes.subarray(200_000)];
    for (const [index, part] of parts.entries()) await save(`part-${index}`, part, { contentType: 'text/part' });
    await server.storage.bucket('bucket').combine(['part-0', 'part-1', 'part-2'], 'composed');
    for (const index of parts.keys()) await file(`part-${index}`).delete();
    expect((await file('composed').download())[0].equals(bytes)).toBe(true);
    const [metadata] = await file('composed').getMetadata();
    const sum = new CRC32C();
    sum.update(bytes);
    expect(metadata).toMatchObject({ componentCount: 3, crc32c: sum.toString(), size: '300000' });
    expect(metadata).not.toHaveProperty('md5Hash');
    await save('tail', 'more');
    expect(JSON.parse((await compose('composed', sources('composed', 'tail'))).text)).toMatchObject({
      componentCount: 4,
    });
    await file('composed').copy(file('copy of composed'));
    expect((await file('copy of composed').getMetadata())[0]).not.toHaveProperty('md5Hash');
  });

  test('is made of 1 to 32 objects that are there, in the versions named', async () => {
    await save('one', '1');
    expect(await compose('made', sources())).toMatchObject({ status: 400, reason: 'required' });
    expect(await compose('made', sources(...Array<string>(33).fill('one')))).toMatchObject({
      status: 400,
      reason: 'invalid',
    });
    expect(await compose('made', sources(...Array<string>(32).fill('one')))).toMatchObject({ status: 200 });
    expect(await compose('made', sources('one', 'never'))).toMatchObject({ status: 404 });
    expect(await compose('made', { sourceObjects: [{ name: 'one', generation: '1' }] })).toMatchObject({ status: 404 });
    const wrong = { name: 'one', objectPreconditions: { ifGenerationMatch: '1' } };
    expect(await compose('made', { sourceObjects: [wrong] })).toMatchObject({ status: 412 });
    expect(await compose('made', sources('one'), '?ifGenerationMatch=0')).toMatchObject({ status: 412 });
    expect((await file('made').download())[0].toString()).toBe('1'.repeat(32));
  });
});
