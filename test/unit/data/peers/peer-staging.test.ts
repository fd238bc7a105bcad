import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../../src/checksums/crc32.js';
import { DataFile } from '../../../../src/data/data-file.js';
import { bringFolder, putFolder } from '../../../../src/data/folder-transfer.js';
import { createPeerStaging } from '../../../../src/data/peers/peer-staging.js';
import { keptUrl } from '../../../../src/data/peers/peer-url.js';
import { type PeerPlace, peerPlace } from '../../../fixtures/peers/peer-place.js';

const { signal } = new AbortController();
const CONTENT = randomBytes(500_000);
const leastSpeed = { bytes: 1, withinMs: 300 };

const ownOf = ({ keptFolder }: PeerPlace) => ({ manager: 'node-1', folder: keptFolder });
/** The staging of a worker on the node, and of one elsewhere. */
const near = (place: PeerPlace) => createPeerStaging({ ring: place.ring, own: ownOf(place) });
const far = (place: PeerPlace) =>
  createPeerStaging({ ring: place.ring, own: { manager: 'node-2', folder: '/nowhere' }, leastSpeed });

/** Keeps a file as a task's output, and answers where others find it. */
async function kept(place: PeerPlace, name = '1-1/out.bin', content = CONTENT): Promise<DataFile> {
  const path = join(place.here, 'written');
  await writeFile(path, content);
  const home = new DataFile(place.urlOf(name));
  const identity = await near(place).stageOut(home, { path, signal });
  return new DataFile(keptUrl(home.url, identity));
}

const fetched = async (place: PeerPlace, file: DataFile) =>
  far(place).stageIn(file, { suggestedPath: join(place.here, 'got'), signal });

describe('a kept file', () => {
  test('is the written one by another name, and is not written to again', async () => {
    const place = await peerPlace();
    const path = join(place.here, 'written');
    await writeFile(path, CONTENT);
    const { ino } = await stat(path);
    const identity = await near(place).stageOut(new DataFile(place.urlOf('1-1/a b')), { path, signal });
    expect(identity).toEqual({ tag: crc32(CONTENT).toString(16).padStart(8, '0'), size: CONTENT.length });
    const found = await stat(join(place.keptFolder, '1-1/a b'));
    expect([found.ino, found.mode & 0o777]).toEqual([ino, 0o444]);
    expect(await place.left()).toEqual([]);
  });

  test('is read in place on its node, and fetched elsewhere', async () => {
    const place = await peerPlace();
    const file = await kept(place);
    expect([near(place).isHere?.(file), far(place).isHere?.(file)]).toEqual([true, false]);
    const here = await near(place).stageIn(file, { suggestedPath: '/unused', signal });
    expect(here).toBe(join(place.keptFolder, '1-1/out.bin'));
    const there = await fetched(place, file);
    expect((await readFile(there)).equals(CONTENT)).toBe(true);
    expect(await far(place).identity(file)).toEqual(await near(place).identity(file));
  });

  test.each(['a link', 'a second name'])('that the app made %s to something else is a copy', async (kind) => {
    const place = await peerPlace();
    const [own, path] = [join(place.here, 'the user’s'), join(place.here, 'written')];
    await writeFile(own, CONTENT, { mode: 0o640 });
    await (kind === 'a link' ? symlink(own, path) : link(own, path));
    await near(place).stageOut(new DataFile(place.urlOf('1-1/x')), { path, signal });
    expect((await stat(own)).mode & 0o777).toBe(0o640);
    await writeFile(own, 'changed');
    expect((await readFile(join(place.keptFolder, '1-1/x'))).equals(CONTENT)).toBe(true);
  });

  test('that comes from another disk is a copy, too', async () => {
    const place = await peerPlace();
    const memory = await mkdtemp('/dev/shm/sluice-');
    try {
      const path = join(memory, 'written');
      await writeFile(path, CONTENT);
      expect((await stat(memory)).dev).not.toBe((await stat(place.keptFolder)).dev);
      await near(place).stageOut(new DataFile(place.urlOf('1-1/x')), { path, signal });
      expect((await readFile(join(place.keptFolder, '1-1/x'))).equals(CONTENT)).toBe(true);
    } finally {
      await rm(memory, { recursive: true });
    }
  });

  test('of a name that leads elsewhere, or of another node, is not kept', async () => {
    const place = await peerPlace();
    const path = join(place.here, 'written');
    await writeFile(path, CONTENT);
    for (const name of ['../x', '%2e%2e/x', '1-1/..%2f..%2fx']) {
      const file = new DataFile(place.urlOf('plain').replace(/plain$/, name));
      if (!file.url.endsWith(name)) continue;
      await expect(near(place).stageOut(file, { path, signal })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    const foreign = new DataFile(place.urlOf('1-1/x', { manager: 'node-2' }));
    await expect(near(place).stageOut(foreign, { path, signal })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await place.left()).toEqual(['written']);
    await expect(
      near(place).stageOut(new DataFile(place.urlOf('1-1/x')), { path: join(place.here, 'none'), signal }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('a folder goes and comes with all that is below it', async () => {
  const place = await peerPlace();
  const written = join(place.here, 'written');
  for (const name of ['a b', 'below/c', 'below/deeper/d%2f']) {
    await mkdir(join(written, name, '..'), { recursive: true });
    await writeFile(join(written, name), name);
  }
  const folder = new DataFile(place.urlOf('1-1/results/'));
  expect(folder.isFolder).toBe(true);
  await putFolder(near(place), folder, { path: written, signal });
  for (const staging of [near(place), far(place)]) {
    const path = join(place.here, `got-${staging.isHere?.(folder)}`);
    const listed = staging.list?.(folder, signal);
    await bringFolder(folder, listed ?? (async function* () {})(), {
      path,
      signal,
      bring: async ({ file, identity }, suggestedPath, stop) => {
        const got = await staging.stageIn(file, { suggestedPath, identity, signal: stop });
        expect(await readFile(got, 'utf8')).toMatch(/^(a b|below\/c|below\/deeper\/d%2f)$/);
      },
    });
  }
  expect(await near(place).stageIn(folder, { suggestedPath: '/unused', signal })).toBe(
    join(place.keptFolder, '1-1/results'),
  );
});

describe('a kept file is lost, by its temporary name,', () => {
  const lost = { code: 'INPUT_LOST', class: 'infrastructure', message: expect.stringContaining('temp:out.bin') };

  test('when its node is gone', async () => {
    const place = await peerPlace();
    const file = await kept(place);
    await place.server.close();
    await expect(fetched(place, file)).rejects.toMatchObject(lost);
    expect(await place.left()).toEqual([]);
  });

  test('when it is gone from its node, which is asked once', async () => {
    const place = await peerPlace();
    const file = await kept(place);
    await rm(join(place.keptFolder, '1-1'), { recursive: true });
    await expect(fetched(place, file)).rejects.toMatchObject(lost);
    await expect(near(place).stageIn(file, { suggestedPath: '/unused', signal })).rejects.toMatchObject(lost);
  });

  test('when somebody changed it there, also to as many other bytes', async () => {
    const place = await peerPlace();
    const file = await kept(place);
    const home = join(place.keptFolder, '1-1/out.bin');
    await rm(home);
    await writeFile(home, Buffer.alloc(CONTENT.length));
    await expect(fetched(place, file)).rejects.toMatchObject(lost);
    await writeFile(home, 'short');
    await expect(fetched(place, file)).rejects.toMatchObject(lost);
    await expect(near(place).stageIn(file, { suggestedPath: '/unused', signal })).rejects.toMatchObject(lost);
    expect(await place.left()).toEqual([]);
  });

  test('when another manager has its port', async () => {
    const place = await peerPlace({ manager: 'node-3' });
    await place.keep('1-1/out.bin', CONTENT);
    const file = new DataFile(place.urlOf('1-1/out.bin', { manager: 'node-1', size: CONTENT.length, crc32: 1 }));
    await expect(fetched(place, file)).rejects.toMatchObject(lost);
  });
});

test('a line that breaks a few times is no loss, one that goes on breaking a failed transfer', async () => {
  const place = await peerPlace();
  const file = await kept(place);
  const [proxy, { port }] = await place.line();
  const through = new DataFile(file.url.replace(`:${place.server.port}/`, `:${port}/`));
  proxy.cutEach((connection) => (connection < 3 ? 100_000 : undefined));
  expect((await readFile(await fetched(place, through))).equals(CONTENT)).toBe(true);
  proxy.cutEach(() => 5_000);
  await rm(join(place.here, 'got'));
  await expect(fetched(place, through)).rejects.toMatchObject({ code: 'TRANSFER_FAILED', class: 'infrastructure' });
  expect(await place.left()).toEqual([]);
});

test('who has no part in the run is told so', async () => {
  const [place, other] = [await peerPlace(), await peerPlace()];
  const file = await kept(place);
  const stranger = createPeerStaging({ ring: other.ring });
  expect(stranger.canStageOut(file)).toBe(false);
  await expect(stranger.stageIn(file, { suggestedPath: join(tmpdir(), 'x'), signal })).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
  });
});
