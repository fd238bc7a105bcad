import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataFile } from '../data/data-file.js';
import type { FileIdentity, Staging } from '../data/staging.js';
import type { TestApi } from './test-api.js';

/** What the suite tests: a staging and a place of its own that it can reach. */
export interface StagingFixture {
  readonly staging: Staging;
  /** URL of a file of that name in the place; nothing is there yet. */
  urlOf(name: string): string;
  /** Names of the files in the place, temporary ones included. */
  names(): Promise<readonly string[]>;
  /** Puts a file there by other means, for a staging that only reads. */
  put?(name: string, content: Uint8Array): Promise<void>;
  /** Names that the protocol or its servers cannot have; the suite leaves them out. */
  readonly impossibleNames?: readonly string[];
  close(): Promise<void>;
}

/** Holds a {@link Staging} to its contract. `create` is called once a test and its fixture closed whatever happens. */
export function stagingSuite(api: TestApi, name: string, create: () => Promise<StagingFixture>): void {
  const check = (title: string, body: (place: Place) => Promise<void>) =>
    api.test(title, async () => {
      const fixture = await create();
      const folder = await mkdtemp(join(tmpdir(), 'sluice-staging-'));
      try {
        await body({ ...fixture, folder });
      } finally {
        await rm(folder, { recursive: true, force: true });
        await fixture.staging.close();
        await fixture.close();
      }
    });
  api.describe(`staging conformance: ${name}`, () => {
    declarations(check);
    transfers(check);
    listings(check);
    failures(check);
  });
}

type Place = StagingFixture & { readonly folder: string };
type Check = (title: string, body: (place: Place) => Promise<void>) => unknown;

const MEBIBYTE = 1024 * 1024;
const SIZES = [0, 1, 3_000, 8 * MEBIBYTE, 20 * MEBIBYTE + 11];
const ODD_NAMES = [
  'a b.txt',
  ' spaces at both ends ',
  'plus+plus',
  'percent%2Fslash%',
  '%zz',
  'ünïcødé 😀 日本',
  // One letter written in two ways is two names.
  'caf\u00e9',
  'cafe\u0301',
  `quotes"'&<>\``,
  'semi;colon=equals',
  'question?mark#hash',
  'back\\slash',
  '..dots..',
  '-dash',
  'tab\tin',
];
const { signal: never } = new AbortController();

function declarations(check: Check): void {
  check('it moves files of the schemes it names, and no others', async ({ staging, urlOf }) => {
    const ours = new DataFile(urlOf('x'));
    assert.ok(staging.schemes.includes(ours.scheme));
    assert.equal(staging.canStageIn(ours), true);
    assert.equal(staging.canStageOut(ours), staging.capabilities.stageOut);
    const foreign = new DataFile('nobody://place/x');
    assert.equal(staging.canStageIn(foreign), false);
    assert.equal(staging.canStageOut(foreign), false);
  });

  check('it can what it declares, and no more', async ({ staging }) => {
    assert.equal(staging.list !== undefined, staging.capabilities.list);
    assert.equal(staging.remove !== undefined, staging.capabilities.remove);
  });
}

function transfers(check: Check): void {
  for (const size of SIZES) {
    check(`a file of ${size} bytes goes out and comes back the same`, async (place) => {
      const content = randomBytes(size);
      await send(place, 'data.bin', content);
      assert.equal((await identityOf(place, 'data.bin'))?.size, size);
      const path = await fetchTo(place, 'data.bin');
      assert.equal(hash(await readFile(path)), hash(content));
    });
  }

  check('nothing but the file itself is left, here or there', async (place) => {
    await send(place, 'data.bin', randomBytes(9 * MEBIBYTE));
    assert.deepEqual(await place.names(), ['data.bin']);
    const path = await fetchTo(place, 'data.bin');
    if (path.startsWith(place.folder)) assert.deepEqual(await readdir(place.folder), ['in-data.bin', 'out-data.bin']);
  });

  check('names that URLs, shells and forms could spoil are kept', async (place) => {
    const names = ODD_NAMES.filter((name) => place.impossibleNames?.includes(name) !== true);
    for (const name of names) await send(place, name, Buffer.from(name));
    for (const name of names) assert.equal(await readFile(await fetchTo(place, name), 'utf8'), name);
    assert.deepEqual([...(await place.names())].sort(), [...names].sort());
  });

  check('a name that cannot be is refused', async (place) => {
    for (const name of place.impossibleNames ?? []) await assert.rejects(send(place, name, Buffer.from(name)), name);
  });

  check('a file is replaced as a whole, and its identity changes', async (place) => {
    await send(place, 'data.txt', Buffer.from('one, and rather long'));
    const first = await identityOf(place, 'data.txt');
    await send(place, 'data.txt', Buffer.from('two'));
    const second = await identityOf(place, 'data.txt');
    assert.notDeepEqual(second, first);
    assert.equal(await readFile(await fetchTo(place, 'data.txt'), 'utf8'), 'two');
  });

  check('a content that is not there any more is not taken for another', async (place) => {
    await send(place, 'data.txt', Buffer.from('one, and rather long'));
    const identity = await identityOf(place, 'data.txt');
    assert.equal(identity?.tag === '', place.staging.capabilities.identity === 'none');
    if (identity === undefined || identity.tag === '') return;
    const target = { suggestedPath: join(place.folder, 'in-data.txt'), identity, signal: never };
    const file = new DataFile(place.urlOf('data.txt'));
    assert.equal(await readFile(await place.staging.stageIn(file, target), 'utf8'), 'one, and rather long');
    await rm(target.suggestedPath, { force: true });
    await send(place, 'data.txt', Buffer.from('two'));
    await rejects(place.staging.stageIn(file, target), 'TRANSFER_FAILED');
    assert.deepEqual(await readdir(place.folder), leftBySending(place, 'data.txt'));
  });

  check('progress tells every byte once', async (place) => {
    const size = 9 * MEBIBYTE + 5;
    let sent = 0;
    await send(place, 'data.bin', randomBytes(size), (bytes) => {
      sent += bytes;
    });
    assert.equal(sent, place.staging.capabilities.stageOut ? size : 0);
    let received = 0;
    await fetchTo(place, 'data.bin', never, (bytes) => {
      received += bytes;
    });
    assert.equal(received, size);
  });
}

function listings(check: Check): void {
  check('a folder is listed with all that is below it', async (place) => {
    const { list } = place.staging;
    if (list === undefined) return;
    const names = ['a.txt', 'below/b.txt', 'below/deeper/c.txt'];
    for (const name of names) await send(place, name, Buffer.from(name));
    const folder = new DataFile(place.urlOf('x').replace(/x$/, ''));
    const found = new Map<string, unknown>();
    for await (const { file, identity } of list(folder, never)) found.set(file.url, identity);
    assert.deepEqual([...found.keys()].sort(), names.map((name) => new DataFile(place.urlOf(name)).url).sort());
    for (const name of names) {
      assert.deepEqual(found.get(place.urlOf(name)), await place.staging.identity(new DataFile(place.urlOf(name))));
    }
  });

  check('many identities are those that one asks for singly', async (place) => {
    const { identities } = place.staging;
    if (identities === undefined) return;
    const names = Array.from({ length: 30 }, (_, index) => `f-${index * 7}.txt`);
    for (const name of names) await send(place, name, Buffer.from(name));
    const missing = ['f-.txt', 'f-1.txt', 'f-203', 'zzz'];
    const files = [...names, ...missing].map((name) => new DataFile(place.urlOf(name)));
    const found = await identities(files, never);
    assert.equal(found.size, names.length);
    for (const file of files) assert.deepEqual(found.get(file.url), await place.staging.identity(file));
  });

  check('what is removed is gone, whether it was there or not', async (place) => {
    const { remove } = place.staging;
    if (remove === undefined) return;
    for (const name of ['a.txt', 'b.txt', 'c.txt']) await send(place, name, Buffer.from(name));
    const files = ['a.txt', 'c.txt', 'never.txt'].map((name) => new DataFile(place.urlOf(name)));
    await remove(files, never);
    assert.deepEqual(await place.names(), ['b.txt']);
  });
}

function failures(check: Check): void {
  check('a file that is not there is NOT_FOUND by name, and has no identity', async (place) => {
    const file = new DataFile(place.urlOf('missing.txt'));
    assert.equal(await place.staging.identity(file), undefined);
    const error = await rejects(fetchTo(place, 'missing.txt'), 'NOT_FOUND');
    assert.match(error.message, /missing\.txt/);
    assert.deepEqual(await readdir(place.folder), []);
  });

  check('a local file that is not there cannot go out, and leaves nothing', async (place) => {
    if (!place.staging.capabilities.stageOut) return;
    const file = new DataFile(place.urlOf('data.txt'));
    const path = join(place.folder, 'never-written.txt');
    const error = await rejects(place.staging.stageOut(file, { path, signal: never }), 'NOT_FOUND');
    assert.match(error.message, /never-written\.txt/);
    assert.deepEqual(await place.names(), []);
  });

  check('a folder is no file', async (place) => {
    if (!place.staging.capabilities.stageOut) return;
    const file = new DataFile(place.urlOf('data.txt'));
    await rejects(place.staging.stageOut(file, { path: place.folder, signal: never }), 'INVALID_OPTIONS');
    assert.deepEqual(await place.names(), []);
  });

  check('an aborted transfer rejects with the reason and leaves nothing', async (place) => {
    await send(place, 'data.bin', randomBytes(9 * MEBIBYTE));
    await rm(join(place.folder, 'out-data.bin'), { force: true });
    const signal = AbortSignal.abort(new Error('not wanted'));
    await assert.rejects(fetchTo(place, 'data.bin', signal), { message: 'not wanted' });
    assert.deepEqual(await readdir(place.folder), []);
    if (!place.staging.capabilities.stageOut) return;
    const path = join(place.folder, 'other.bin');
    await writeFile(path, randomBytes(9 * MEBIBYTE));
    const other = new DataFile(place.urlOf('other.bin'));
    await assert.rejects(place.staging.stageOut(other, { path, signal }), { message: 'not wanted' });
    assert.deepEqual(await place.names(), ['data.bin']);
  });
}

type OnProgress = (bytes: number) => void;

async function send(place: Place, name: string, content: Uint8Array, onProgress?: OnProgress): Promise<void> {
  const { staging, urlOf, folder, put } = place;
  if (!staging.capabilities.stageOut) {
    assert.ok(put !== undefined, 'the fixture of a staging that only reads needs put()');
    await put(name, content);
    return;
  }
  const path = join(folder, `out-${name.replaceAll('/', '-')}`);
  await writeFile(path, content);
  await staging.stageOut(new DataFile(urlOf(name)), { path, signal: never, onProgress });
}

function leftBySending({ staging }: Place, name: string): readonly string[] {
  return staging.capabilities.stageOut ? [`out-${name}`] : [];
}

function identityOf({ staging, urlOf }: Place, name: string): Promise<FileIdentity | undefined> {
  return staging.identity(new DataFile(urlOf(name)));
}

function fetchTo(
  { staging, urlOf, folder }: Place,
  name: string,
  signal: AbortSignal = never,
  onProgress?: OnProgress,
): Promise<string> {
  const suggestedPath = join(folder, `in-${name}`);
  return staging.stageIn(new DataFile(urlOf(name)), { suggestedPath, signal, onProgress });
}

async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error, `expected ${code}`);
  assert.equal(error.code, code, error.message);
  return error;
}

function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
