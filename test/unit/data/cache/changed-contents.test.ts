import {
  appendFile,
  chmod,
  chown,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StageInTarget } from '../../../../src/data/staging.js';
import { asNobody, cachePlace } from '../../../fixtures/cache/cache-place.js';

const isRoot = process.geteuid?.() === 0;

describe('a task that writes to its input all the same', () => {
  test('is named, and the next one gets the content anew', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const cache = place.open();
      const inputs = cache.openFor("attempt 1 of task 7 'spoil'");
      const path = await place.get(inputs, 'aa', 5);
      await chmod(path, 0o644);
      await writeFile(path, 'other');
      expect(await inputs.release()).toMatchObject({
        changed: ["attempt 1 of task 7 'spoil' changed its input the content aa: other tasks of this node get it anew"],
      });
      expect(await place.contents()).toEqual([]);
      const next = cache.openFor('next');
      expect(await readFile(await place.get(next, 'aa', 5), 'latin1')).toBe('aaaaa');
      expect(await next.release()).toMatchObject({ misses: 1 });
    });
  });

  test('is one of several, and all are named, in what each of them hears', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const cache = place.open();
      const [one, other] = [cache.openFor('one'), cache.openFor('other')];
      const path = await place.get(one, 'aa', 5);
      await place.get(other, 'aa', 5);
      await chmod(path, 0o644);
      await appendFile(path, 'more');
      const heard = [(await one.release()).changed, (await other.release()).changed];
      expect(heard[0]).toEqual([expect.stringContaining('the content aa was changed while one, other had it')]);
      expect(heard[1]).toHaveLength(1);
      expect(await place.contents()).toEqual([]);
    });
  });

  test('and puts the time back is seen by the hash, if that is asked for', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      for (const verify of ['stat', 'hash'] as const) {
        const cache = place.open({ verify });
        const inputs = cache.openFor('sly');
        const path = await place.get(inputs, 'aa', 5);
        const { mtimeMs } = await stat(path);
        await chmod(path, 0o644);
        await writeFile(path, 'other');
        await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
        expect('changed' in (await inputs.release())).toBe(verify === 'hash');
        await rm(place.directory, { recursive: true });
      }
    });
  });

  test('by putting another file in its place changes nothing', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const cache = place.open();
      const inputs = cache.openFor('task');
      const path = await place.get(inputs, 'aa', 5);
      await writeFile(`${path}.new`, 'other');
      await rename(`${path}.new`, path);
      expect(await inputs.release()).not.toHaveProperty('changed');
      expect(await readFile(await place.get(cache.openFor('next'), 'aa', 5), 'latin1')).toBe('aaaaa');
      expect(place.fetched.get('aa')).toBe(1);
    });
  });

  test('and is killed then is found by who comes next, by what it had held', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const killed = place.open({}, { owner: '1-1-00000000' }).openFor("attempt 1 of task 3 'killed'");
      const path = await place.get(killed, 'aa', 5);
      await chmod(path, 0o644);
      await appendFile(path, 'more');
      const next = place.open().openFor('the next one');
      expect(await readFile(await place.get(next, 'aa', 5), 'latin1')).toBe('aaaaa');
      const { changed = [] } = await next.release();
      expect(changed).toHaveLength(1);
      expect(changed[0]).toContain("while attempt 1 of task 3 'killed' had it, killed since");
      expect(changed[0]).toContain('the next one gets it anew');
    });
  });
});

describe('what was done to the cache itself', () => {
  const harms: Readonly<Record<string, (content: string) => Promise<void>>> = {
    'a content that was cut off': (data) => truncate(data, 2),
    'a content that was cut off, and its time put back': async (data) => {
      const { atime, mtime } = await stat(data);
      await truncate(data, 2);
      await utimes(data, atime, mtime);
    },
    'a content that was written over': (data) => writeFile(data, 'other'),
    'a content without its record': (data) => rm(join(dirname(data), 'record.json')),
    'a record that makes no sense': (data) => writeFile(join(dirname(data), 'record.json'), '{"mtimeNs":'),
    'a record without its content': (data) => rm(data),
    'a content of another kind': async (data) => {
      await rm(data);
      await mkdir(data);
    },
  };
  test.each(Object.keys(harms))('%s is thrown away, and fetched anew', async (harm) => {
    const place = await cachePlace();
    const cache = place.open();
    const first = cache.openFor('first');
    await place.get(first, 'aa', 5);
    await first.release();
    const [data = ''] = await place.contents();
    await chmod(data, 0o644);
    await chmod(join(dirname(data), 'record.json'), 0o644);
    await harms[harm]?.(data);
    const next = cache.openFor('next');
    expect(await readFile(await place.get(next, 'aa', 5), 'latin1')).toBe('aaaaa');
    expect((await next.release()).changed).toHaveLength(1);
    expect(await place.leftovers()).toEqual([]);
  });

  test('a content from before the machine’s last start is not believed, but for its hash', async () => {
    const place = await cachePlace();
    for (const verify of ['stat', 'hash'] as const) {
      const cache = place.open({ verify });
      await place.get(cache.openFor('first'), 'aa', 5);
      const [data = ''] = await place.contents();
      const record = join(dirname(data), 'record.json');
      await chmod(record, 0o644);
      await writeFile(record, JSON.stringify({ ...JSON.parse(await readFile(record, 'utf8')), boot: '00000000' }));
      const next = cache.openFor('next');
      await place.get(next, 'aa', 5);
      expect(await next.release()).toEqual(
        expect.objectContaining(verify === 'hash' ? { hits: 1, misses: 0 } : { hits: 0, misses: 1 }),
      );
      await rm(place.directory, { recursive: true });
    }
  });

  test('a folder that is removed while tasks have files of it leaves them theirs, and comes back', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const cache = place.open();
      const inputs = cache.openFor('task');
      const path = await place.get(inputs, 'aa', 5);
      await rm(place.directory, { recursive: true });
      expect(await readFile(path, 'latin1')).toBe('aaaaa');
      const next = cache.openFor('next');
      expect(await readFile(await place.get(next, 'aa', 5), 'latin1')).toBe('aaaaa');
      await inputs.release();
      await next.release();
      expect(await place.contents()).toHaveLength(1);
      expect(place.warnings).toEqual([]);
    });
  });

  test('a folder that is removed during a download costs that download, and nothing else', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const wanted = place.want('aa', 5);
    let isRemoved = false;
    const fetch = async (target: StageInTarget) => {
      if (!isRemoved) await rename(place.directory, `${place.directory}-removed`);
      isRemoved = true;
      return wanted.fetch(target);
    };
    const others = [0, 1, 2].map((index) => place.get(cache.openFor(`task ${index}`), 'aa', 5, { fetch }));
    for (const path of await Promise.all(others)) expect(await readFile(path, 'latin1')).toBe('aaaaa');
    expect(place.warnings).toEqual([]);
  });

  test.runIf(isRoot)('a folder that is somebody else’s is not used, and a warning says so once', async () => {
    const place = await cachePlace();
    await mkdir(place.directory);
    await chown(place.directory, 65_534, 65_534);
    const cache = place.open({ isGuessable: true });
    for (let task = 0; task < 2; task++) {
      const inputs = cache.openFor('task');
      expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
      expect(await inputs.release()).toMatchObject({ hits: 0, misses: 1 });
    }
    expect(place.warnings).toEqual([expect.stringMatching(/not shared .* is not a folder that this user alone/)]);
    expect(place.fetched.get('aa')).toBe(2);
  });

  test('a name that leads elsewhere is not followed where it can be guessed', async () => {
    const place = await cachePlace();
    await mkdir(`${place.directory}-real`);
    await symlink(`${place.directory}-real`, place.directory);
    const inputs = place.open({ isGuessable: true }).openFor('task');
    expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
    expect(place.warnings).toHaveLength(1);
    expect(await readFile(await place.get(place.open().openFor('task'), 'aa', 5), 'latin1')).toBe('aaaaa');
  });

  test('a place where no folder can be is done without', async () => {
    const place = await cachePlace();
    await writeFile(place.directory, 'a file');
    const inputs = place.open().openFor('task');
    expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
    expect(place.warnings).toHaveLength(1);
  });
});
