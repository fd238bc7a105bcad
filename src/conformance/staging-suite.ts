import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataFile } from '../data/data-file.js';
import type { Staging } from '../data/staging.js';
import type { TestApi } from './test-api.js';

/** What the suite tests: a staging and a place of its own that it can reach. */
export interface StagingFixture {
  readonly staging: Staging;
  /** URL of a file of that name in the place; nothing is there yet. */
  urlOf(name: string): string;
  /** Names of the files in the place, temporary ones included. */
  names(): Promise<readonly string[]>;
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
    assert.equal(staging.canStageOut(ours), true);
    const foreign = new DataFile('nobody://place/x');
    assert.equal(staging.canStageIn(foreign), false);
    assert.equal(staging.canStageOut(foreign), false);
  });
}

function transfers(check: Check): void {
  for (const size of SIZES) {
    check(`a file of ${size} bytes goes out and comes back the same`, async (place) => {
      const content = randomBytes(size);
      const sent = await send(place, 'data.bin', content);
      assert.equal(sent.size, size);
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
    for (const name of ODD_NAMES) await send(place, name, Buffer.from(name));
    for (const name of ODD_NAMES) assert.equal(await readFile(await fetchTo(place, name), 'utf8'), name);
    assert.deepEqual([...(await place.names())].sort(), [...ODD_NAMES].sort());
  });

  check('a file is replaced as a whole, and its identity changes', async (place) => {
    const first = await send(place, 'data.txt', Buffer.from('one, and rather long'));
    const file = new DataFile(place.urlOf('data.txt'));
    assert.deepEqual(await place.staging.identity(file), first);
    const second = await send(place, 'data.txt', Buffer.from('two'));
    assert.notEqual(second.tag, first.tag);
    assert.deepEqual(await place.staging.identity(file), second);
    assert.equal(await readFile(await fetchTo(place, 'data.txt'), 'utf8'), 'two');
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
    const file = new DataFile(place.urlOf('data.txt'));
    const path = join(place.folder, 'never-written.txt');
    const error = await rejects(place.staging.stageOut(file, { path, signal: never }), 'NOT_FOUND');
    assert.match(error.message, /never-written\.txt/);
    assert.deepEqual(await place.names(), []);
  });

  check('a folder is no file', async (place) => {
    const file = new DataFile(place.urlOf('data.txt'));
    await rejects(place.staging.stageOut(file, { path: place.folder, signal: never }), 'INVALID_OPTIONS');
    assert.deepEqual(await place.names(), []);
  });

  check('an aborted transfer rejects with the reason and leaves nothing', async (place) => {
    await send(place, 'data.bin', randomBytes(9 * MEBIBYTE));
    await rm(join(place.folder, 'out-data.bin'));
    const signal = AbortSignal.abort(new Error('not wanted'));
    await assert.rejects(fetchTo(place, 'data.bin', signal), { message: 'not wanted' });
    assert.deepEqual(await readdir(place.folder), []);
    const path = join(place.folder, 'other.bin');
    await writeFile(path, randomBytes(9 * MEBIBYTE));
    const other = new DataFile(place.urlOf('other.bin'));
    await assert.rejects(place.staging.stageOut(other, { path, signal }), { message: 'not wanted' });
    assert.deepEqual(await place.names(), ['data.bin']);
  });
}

async function send({ staging, urlOf, folder }: Place, name: string, content: Uint8Array) {
  const path = join(folder, `out-${name}`);
  await writeFile(path, content);
  return staging.stageOut(new DataFile(urlOf(name)), { path, signal: never });
}

function fetchTo({ staging, urlOf, folder }: Place, name: string, signal: AbortSignal = never): Promise<string> {
  return staging.stageIn(new DataFile(urlOf(name)), { suggestedPath: join(folder, `in-${name}`), signal });
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
