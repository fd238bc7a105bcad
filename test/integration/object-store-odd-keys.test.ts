import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LONGEST_KEY, ODD_KEYS, TOO_LONG_KEY } from '../../src/conformance/object-store/contents.js';
import { app, bash, type DataFile, file, type Io } from '../../src/index.js';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../fixtures/kernel/temporary-run.js';

// What ends in `/` names a folder.
const FILES = ODD_KEYS.filter((key) => !key.endsWith('/'));
const KEYS = [...FILES, LONGEST_KEY];
const BUCKET = 'odd-keys';

let cloud: Awaited<ReturnType<typeof startLocalCloud>>;
let restore: () => void;
let store: ObjectStore;
let run: TemporaryRun;

beforeAll(async () => {
  cloud = await startLocalCloud();
  // Before the kernel: its workers find the cloud by the environment they start with.
  restore = cloud.applyEnv();
  const s3 = new S3Client({ forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  s3.destroy();
  store = createS3Store({ bucket: BUCKET });
  run = await temporaryRun();
  for (const key of KEYS) await store.put(key, Buffer.from(`content of ${key}`));
});
afterAll(async () => {
  await run?.[Symbol.asyncDispose]();
  await store?.close();
  restore?.();
  await cloud?.close();
});

const url = (key: string) => `s3://${BUCKET}/${key}`;
const contentOf = async (key: string) => Buffer.from(await store.get(key)).toString();

test('a task reads each odd key by its name, from below a folder of its attempt', async () => {
  const read = app(
    async (text: DataFile, io: Io) => {
      const { readFile } = await import('node:fs/promises');
      return { content: await readFile(text.path, 'utf8'), path: text.path, scratch: io.scratch };
    },
    { name: 'read', io: true, kernel: run.kernel },
  );
  const found = await Promise.all(KEYS.map((key) => read(file(url(key)), {})));
  expect(found.map(({ content }) => content)).toEqual(KEYS.map((key) => `content of ${key}`));
  for (const { path, scratch } of found) {
    // Names of the store mean nothing to the file system.
    expect(resolve(path)).toBe(path);
    expect(path.startsWith(`${resolve(scratch, '..')}${sep}inputs${sep}`)).toBe(true);
  }
});

test('a command reads and writes each odd key, and nothing else appears', async () => {
  const copy = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'copy', kernel: run.kernel });
  // A folder deeper, but the last two: the keys that begin with dots and slashes stay what they are.
  const targets = FILES.map((key) => `copied/${key}`);
  const calls = FILES.map((key, index) => copy({ inputs: [url(key)], outputs: [url(targets[index] ?? '')] }));
  const outputs = await Promise.all(calls.map((call) => call.outputs[0]));
  expect(outputs.map((output) => output?.url)).toEqual(targets.map(url));
  for (const key of FILES) expect(await contentOf(`copied/${key}`)).toBe(`content of ${key}`);
  const listed: string[] = [];
  for await (const { key } of store.listAfter('')) listed.push(key);
  expect(listed.sort()).toEqual([...KEYS, ...targets].sort());
});

test('two inputs of one base name, and keys that differ in how a letter is written, do not meet', async () => {
  await store.put('one/same name?.txt', Buffer.from('1'));
  await store.put('two/same name?.txt', Buffer.from('2'));
  const joined = bash((io) => io.sh`cat ${io.inputs}`, { name: 'joined', kernel: run.kernel });
  const stdout = join(run.folder, 'joined.txt');
  const inputs = ['one/same name?.txt', 'two/same name?.txt', 'caf\u00e9', 'cafe\u0301', 'tail'].map(url);
  await joined({ inputs, stdout });
  expect(await readFile(stdout, 'utf8')).toBe('12content of caf\u00e9content of cafe\u0301content of tail');
});

test('local files whose names have these characters go in and out', async () => {
  const names = KEYS.map((key) => key.replaceAll('/', '∕').replaceAll('\0', '')).filter(
    (name) => name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255,
  );
  const [here, there] = [join(run.folder, 'in here?#%41'), join(run.folder, 'out there&+')];
  await mkdir(here);
  for (const name of names) await writeFile(join(here, name), `content of ${name}`);
  const copy = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'copy', kernel: run.kernel });
  await Promise.all(names.map((name) => copy({ inputs: [join(here, name)], outputs: [join(there, name)] })));
  for (const name of names) expect(await readFile(join(there, name), 'utf8')).toBe(`content of ${name}`);
  expect((await readdir(there)).sort()).toEqual([...names].sort());
});

test('a key that is too long is refused as an input and as an output, and says by how much', async () => {
  const copy = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'copy', kernel: run.kernel });
  const tooLong = { code: 'INVALID_OPTIONS', message: expect.stringMatching(/at most 1024 bytes, this one has 1025/) };
  expect(await failureOf(copy({ inputs: [url(TOO_LONG_KEY)], outputs: [url('x')] }))).toMatchObject(tooLong);
  expect(await failureOf(copy({ inputs: [url('tail')], outputs: [url(TOO_LONG_KEY)] }))).toMatchObject(tooLong);
});

test('a task’s input and output may be of no bytes', async () => {
  await store.put('nothing', new Uint8Array());
  const copy = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'copy', kernel: run.kernel });
  const [remote, local] = [url('nothing too'), join(run.folder, 'nothing')];
  const first = copy({ inputs: [url('nothing')], outputs: [remote] });
  const second = copy({ inputs: [first.outputs[0]], outputs: [local] });
  await second;
  expect((await store.head('nothing too'))?.size).toBe(0);
  expect((await readFile(local)).length).toBe(0);
});
