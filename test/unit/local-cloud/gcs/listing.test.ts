import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GcsServer, startGcsServer, statusOf } from './gcs-server.js';

const NAMES = ['a', 'a/1', 'a/2', 'a/b/3', 'a0', 'b', 'b/4', 'ä', '\u{FF5E}', '😀'];

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer();
  await server.storage.createBucket('bucket');
  const bucket = server.storage.bucket('bucket');
  for (const name of NAMES) await bucket.file(name).save(name, { resumable: false });
});
afterAll(() => server.close());

async function page(query: Record<string, string>) {
  const search = new URLSearchParams({ fields: 'items/name,prefixes,nextPageToken', ...query });
  const { status, text, reason } = await statusOf(`${server.endpoint}/storage/v1/b/bucket/o?${search}`);
  if (status !== 200) return { status, reason };
  const { items = [], prefixes = [], nextPageToken } = JSON.parse(text);
  return { names: items.map((item: { name: string }) => item.name), prefixes, nextPageToken };
}

describe('a listing', () => {
  test.each<[Record<string, string>, readonly string[], readonly string[]]>([
    [{}, NAMES, []],
    [{ prefix: 'a/' }, ['a/1', 'a/2', 'a/b/3'], []],
    [{ delimiter: '/' }, ['a', 'a0', 'b', 'ä', '\u{FF5E}', '😀'], ['a/', 'b/']],
    [{ delimiter: '/', prefix: 'a/' }, ['a/1', 'a/2'], ['a/b/']],
    [{ startOffset: 'a/2' }, NAMES.slice(2), []],
    [{ startOffset: 'a/2x' }, NAMES.slice(3), []],
    [{ startOffset: 'zzzz' }, ['ä', '\u{FF5E}', '😀'], []],
    [{ startOffset: '\u{FF5E}' }, ['\u{FF5E}', '😀'], []],
    [{ endOffset: 'a0' }, NAMES.slice(0, 4), []],
    [{ startOffset: 'a/1', endOffset: 'b', prefix: 'a/' }, ['a/1', 'a/2', 'a/b/3'], []],
    [{ prefix: 'nothing' }, [], []],
    [{ prefix: 'b', startOffset: 'a' }, ['b', 'b/4'], []],
  ])('of %j', async (query, names, prefixes) => {
    expect(await page(query)).toEqual({ names, prefixes, nextPageToken: undefined });
  });

  test.each([1, 2, 3, 9, 10])('in pages of %i has everything once', async (maxResults) => {
    for (const delimiter of ['', '/']) {
      const found: string[] = [];
      for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
        const { names, prefixes, nextPageToken } = (await page({
          maxResults: String(maxResults),
          delimiter,
          pageToken,
        })) as { names: string[]; prefixes: string[]; nextPageToken?: string };
        expect(names.length + prefixes.length).toBeLessThanOrEqual(maxResults);
        found.push(...names, ...prefixes);
        pageToken = nextPageToken;
      }
      const all = (await page({ delimiter })) as { names: string[]; prefixes: string[] };
      expect(found.sort()).toEqual([...all.names, ...all.prefixes].sort());
    }
  });

  test('of more than a thousand objects comes in pages, whatever is asked for', async () => {
    const bucket = server.storage.bucket('many');
    await server.storage.createBucket('many');
    const names = Array.from({ length: 1_001 }, (_, index) => String(index).padStart(4, '0'));
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => bucket.file(name).save('', { resumable: false })));
    }
    const [files, , answer] = await bucket.getFiles({ maxResults: 5_000, autoPaginate: false });
    expect(files).toHaveLength(1_000);
    expect(answer).toMatchObject({ nextPageToken: expect.any(String) });
    const [all] = await bucket.getFiles();
    expect(all.map(({ name }) => name)).toEqual(names);
  });

  test('may be deleted as a whole, as Google’s client does it', async () => {
    await server.storage.createBucket('cleared');
    const bucket = server.storage.bucket('cleared');
    for (const name of ['a/1', 'a/2', 'b']) await bucket.file(name).save(name, { resumable: false });
    await bucket.deleteFiles({ prefix: 'a/' });
    expect((await bucket.getFiles())[0].map(({ name }) => name)).toEqual(['b']);
  });

  test('with parameters that are none is refused', async () => {
    expect(await page({ maxResults: 'many' })).toEqual({ status: 400, reason: 'invalidParameter' });
    expect(await page({ pageToken: 'nonsense' })).toEqual({ status: 400, reason: 'invalidParameter' });
    expect(await page({ includeTrailingDelimiter: 'true' })).toEqual({ status: 501, reason: 'notImplemented' });
    expect(await page({ matchGlob: '*' })).toEqual({ status: 501, reason: 'notImplemented' });
  });
});
