import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataBlocks, type GcsServer, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer();
  await server.storage.createBucket('bucket');
});
afterAll(() => server.close());

const at = (name: string) => `${server.endpoint}/storage/v1/b/bucket/o/${name}`;
const put = (name: string, query = '') =>
  statusOf(`${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=media&name=${name}${query}`, {
    method: 'POST',
    body: 'x',
  });
const generationOf = async (name: string) => Number(JSON.parse((await statusOf(at(name))).text).generation);

describe('a write', () => {
  test('with generation 0 makes an object only where there is none', async () => {
    expect(await put('new', '&ifGenerationMatch=0')).toMatchObject({ status: 200 });
    expect(await put('new', '&ifGenerationMatch=0')).toMatchObject({ status: 412, reason: 'conditionNotMet' });
  });

  test('with a generation replaces that one only, and leaves nothing of itself', async () => {
    await put('old');
    const first = await generationOf('old');
    const blocks = await dataBlocks(server, 'bucket');
    expect(await put('old', `&ifGenerationMatch=${first + 1}`)).toMatchObject({ status: 412 });
    expect(await put('none', `&ifGenerationMatch=${first}`)).toMatchObject({ status: 412 });
    expect(await dataBlocks(server, 'bucket')).toBe(blocks);
    expect(await put('old', `&ifGenerationMatch=${first}`)).toMatchObject({ status: 200 });
    expect(await put('old', `&ifGenerationMatch=${first}`)).toMatchObject({ status: 412 });
  });

  test.each([
    ['ifGenerationNotMatch', 'generation', 412],
    ['ifMetagenerationMatch', 'metageneration', 200],
    ['ifMetagenerationNotMatch', 'metageneration', 412],
  ])('with %s of the present one is answered with %i', async (condition, version, status) => {
    const name = `object-${condition}`;
    await put(name);
    const resource = JSON.parse((await statusOf(at(name))).text);
    expect(await put(name, `&${condition}=${resource[version]}`)).toMatchObject({ status });
  });

  test('of twenty that want there to be none, one wins', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => put('raced', '&ifGenerationMatch=0')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
  });

  test('with what is no generation is refused', async () => {
    expect(await put('bad', '&ifGenerationMatch=latest')).toMatchObject({ status: 400, reason: 'invalidParameter' });
    expect(await put('bad', '&ifGenerationMatch=-1')).toMatchObject({ status: 400 });
  });
});

describe.each(['', '?alt=media'])('a read%s', (kind) => {
  const query = (condition: string) => `${kind === '' ? '?' : `${kind}&`}${condition}`;

  test('is of the version it names, or not at all', async () => {
    await put('read');
    const generation = await generationOf('read');
    const ask = (condition: string) => statusOf(at('read') + query(condition));
    expect(await ask(`ifGenerationMatch=${generation}`)).toMatchObject({ status: 200 });
    expect(await ask(`ifGenerationMatch=${generation + 1}`)).toMatchObject({ status: 412, reason: 'conditionNotMet' });
    expect(await ask(`ifGenerationNotMatch=${generation}`)).toMatchObject({ status: 304, text: '' });
    expect(await ask(`ifMetagenerationNotMatch=1`)).toMatchObject({ status: 304 });
    expect(await ask(`ifMetagenerationMatch=2`)).toMatchObject({ status: 412 });
    expect(await ask(`generation=${generation}`)).toMatchObject({ status: 200 });
  });
});

test('deletions and patches keep to conditions too', async () => {
  await put('kept');
  const generation = await generationOf('kept');
  const other = `?ifGenerationMatch=${generation + 1}`;
  expect(await statusOf(at('kept') + other, { method: 'DELETE' })).toMatchObject({ status: 412 });
  expect(await statusOf(at('kept') + other, { method: 'PATCH', body: '{}' })).toMatchObject({ status: 412 });
  expect(await statusOf(at('kept'), { method: 'PATCH', body: '{}' })).toMatchObject({ status: 200 });
  expect(await statusOf(`${at('kept')}?ifMetagenerationMatch=1`, { method: 'DELETE' })).toMatchObject({ status: 412 });
  expect(await statusOf(`${at('kept')}?ifGenerationMatch=${generation}`, { method: 'DELETE' })).toMatchObject({
    status: 204,
  });
});
