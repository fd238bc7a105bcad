import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BegunUpload, endLeftUploads, noteUpload } from '../../../src/object-store/s3/upload-notes.js';
import { bootName } from '../../../src/run/owner.js';

const BUCKET = 'https://b.s3.eu-west-1.amazonaws.com';
const upload = (uploadId: string, bucket = BUCKET): BegunUpload => ({ bucket, key: 'a/b c', uploadId });
/** As a process that is gone has left it: no process has this start time. */
const left = (name: string, content: unknown) =>
  writeFileSync(join(folder, `1-1-${bootName()}.${name}.json`), JSON.stringify(content));

let above: string;
let folder: string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'upload-notes-'));
  folder = join(above, 'notes');
});
afterEach(() => rm(above, { recursive: true, force: true }));

async function ended(bucket = BUCKET, isGone = true): Promise<readonly string[]> {
  const ids: string[] = [];
  await endLeftUploads(
    bucket,
    async ({ uploadId }) => {
      ids.push(uploadId);
      return isGone;
    },
    folder,
  );
  return ids;
}

test('an upload under way is its owner’s, and of one that is over nothing is left', async () => {
  const first = noteUpload(upload('1'), folder);
  const second = noteUpload(upload('2'), folder);
  expect(await ended()).toEqual([]);
  first.remove();
  expect(readdirSync(folder)).toHaveLength(1);
  second.remove();
  expect(existsSync(folder)).toBe(false);
  expect(await ended()).toEqual([]);
});

test('one whose owner is gone is ended once, by whoever uploads to its bucket', async () => {
  mkdirSync(folder);
  left('a1', upload('1'));
  left('a2', upload('2', 'http://127.0.0.1:9000/other'));
  expect(await ended()).toEqual(['1']);
  expect(await ended()).toEqual([]);
  expect(await ended('http://127.0.0.1:9000/other')).toEqual(['2']);
  expect(existsSync(folder)).toBe(false);
});

test('one that could not be ended is tried again', async () => {
  mkdirSync(folder);
  left('a1', upload('1'));
  expect(await ended(BUCKET, false)).toEqual(['1']);
  expect(await ended()).toEqual(['1']);
});

test('owners of other machines are not known to be gone, and a note that is none is thrown away', async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, '1-1-00000000.a1.json'), JSON.stringify(upload('1')));
  left('a2', { key: 7 });
  writeFileSync(join(folder, `1-1-${bootName()}.a3.json`), '{');
  expect(await ended()).toEqual([]);
  expect(readdirSync(folder)).toEqual(['1-1-00000000.a1.json']);
});

test('where no folder can be made, uploads do without', async () => {
  writeFileSync(folder, 'a file');
  noteUpload(upload('1'), folder).remove();
  expect(await ended()).toEqual([]);
});
