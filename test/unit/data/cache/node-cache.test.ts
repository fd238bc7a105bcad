import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import type { StageInTarget } from '../../../../src/data/staging.js';
import { SluiceError } from '../../../../src/errors.js';
import { asNobody, cachePlace } from '../../../fixtures/cache/cache-place.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

/** A promise, and what settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('one content', () => {
  test('is fetched once for all tasks, one after the other', async () => {
    const place = await cachePlace();
    const cache = place.open();
    for (let task = 0; task < 3; task++) {
      const inputs = cache.openFor(`task ${task}`);
      expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
      expect(await inputs.release()).toMatchObject({ hits: task === 0 ? 0 : 1, misses: task === 0 ? 1 : 0 });
    }
    expect(place.fetched.get('aa')).toBe(1);
  });

  test('is fetched once for all that ask at once, and each gets a file of its own', async () => {
    const place = await cachePlace();
    const caches = [place.open(), place.open()];
    const waiting = Array.from({ length: 64 }, (_, index) => {
      const inputs = (caches[index % 2] ?? place.open()).openFor(`task ${index}`);
      return place.get(inputs, 'bb', 1000);
    });
    const paths = await Promise.all(waiting);
    expect(place.fetched.get('bb')).toBe(1);
    expect(new Set(paths).size).toBe(64);
    for (const path of paths) expect((await readFile(path)).equals(Buffer.alloc(1000, 'bb'))).toBe(true);
    expect(await place.leftovers()).toEqual([]);
  });

  test('of no bytes is a content too', async () => {
    const place = await cachePlace();
    const inputs = place.open().openFor('task');
    expect(await readFile(await place.get(inputs, 'ee', 0), 'latin1')).toBe('');
    expect(await readFile(await place.get(inputs, 'ee', 0), 'latin1')).toBe('');
    expect(place.fetched.get('ee')).toBe(1);
  });

  test('that need not be copied is where it is, and nothing of it stays', async () => {
    const place = await cachePlace();
    const inputs = place.open().openFor('task');
    expect(await place.get(inputs, 'cc', 3, { fetch: async () => '/elsewhere' })).toBe('/elsewhere');
    expect(await inputs.release()).toMatchObject({ hits: 0, misses: 0 });
    expect((await place.open().inspect()).names).toEqual([]);
  });

  test('of another length than was said is refused, and not kept', async () => {
    const place = await cachePlace();
    const inputs = place.open().openFor('task');
    const short = async ({ suggestedPath }: StageInTarget) => {
      await writeFile(suggestedPath, 'ab');
      return suggestedPath;
    };
    const error = await failureOf<SluiceError>(place.get(inputs, 'dd', 3, { fetch: short }));
    expect(error.code).toBe('TRANSFER_FAILED');
    expect(error.message).toContain('3 bytes was asked for, and 2 bytes have come');
    expect(await place.contents()).toEqual([]);
  });

  test('is shared by links that cannot be written to where the user is not root', async () => {
    const place = await cachePlace();
    await asNobody(async () => {
      const inputs = place.open().openFor('task');
      const [one, other] = [await place.get(inputs, 'aa', 5), await place.get(inputs, 'aa', 5)];
      expect((await stat(one)).ino).toBe((await stat(other)).ino);
      await expect(writeFile(one, 'changed')).rejects.toMatchObject({ code: 'EACCES' });
      expect(await inputs.release()).not.toHaveProperty('changed');
    });
  });

  test.runIf(process.geteuid?.() === 0)('is copied for root, who may do to it what he likes', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const inputs = cache.openFor('task');
    const one = await place.get(inputs, 'aa', 5);
    await writeFile(one, 'changed');
    expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
    expect(await inputs.release()).not.toHaveProperty('changed');
    expect(place.fetched.get('aa')).toBe(1);
  });
});

test.each(['750', '640', '600'])('who may read and run a file stays as it was fetched (mode %s)', async (digits) => {
  const mode = Number.parseInt(digits, 8);
  const place = await cachePlace();
  const wanted = place.want('aa', 5);
  const fetch = async (target: StageInTarget) => {
    const path = await wanted.fetch(target);
    await chmod(path, mode);
    return path;
  };
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  const copied = await place.get(place.open().openFor('task'), 'aa', 5, { fetch });
  if (process.geteuid?.() === 0) expect(await modeOf(copied)).toBe(mode & ~0o022);
  const other = await cachePlace();
  await asNobody(async () => {
    const linked = await other.get(other.open().openFor('task'), 'aa', 5, { fetch });
    expect(await modeOf(linked)).toBe(mode & ~0o222);
  });
});

describe('a fetch that fails', () => {
  test('fails its task with what it says, leaves nothing, and is not remembered', async () => {
    const place = await cachePlace();
    const inputs = place.open().openFor('task');
    const fetch = async () => {
      throw new SluiceError('NOT_FOUND', 'no such thing');
    };
    expect(await failureOf<SluiceError>(place.get(inputs, 'aa', 5, { fetch }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await place.leftovers()).toEqual([]);
    expect((await place.open().inspect()).names).toEqual([]);
    expect(await readFile(await place.get(inputs, 'aa', 5), 'latin1')).toBe('aaaaa');
  });

  test('is tried once more by one of those that wait, then by each of them, all at once', async () => {
    const place = await cachePlace();
    const cache = place.open();
    let running = 0;
    let most = 0;
    let fetches = 0;
    const fetch = async () => {
      fetches += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      throw new SluiceError('TRANSFER_FAILED', 'the line is dead');
    };
    const asks = Array.from({ length: 10 }, (_, index) => {
      return failureOf<SluiceError>(place.get(cache.openFor(`task ${index}`), 'aa', 5, { fetch }));
    });
    expect(new Set((await Promise.all(asks)).map(({ code }) => code))).toEqual(new Set(['TRANSFER_FAILED']));
    expect(fetches).toBe(10);
    expect(most).toBeGreaterThan(2);
  });

  test('of one user is not the failure of another, who may be allowed what the first was not', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const started = gate();
    const refused = gate();
    const fetch = async () => {
      started.open();
      await refused.opened;
      throw new SluiceError('ACCESS_DENIED', 'not you');
    };
    const first = failureOf<SluiceError>(place.get(cache.openFor('one'), 'aa', 5, { fetch }));
    await started.opened;
    const second = place.get(cache.openFor('other'), 'aa', 5);
    refused.open();
    expect(await first).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await readFile(await second, 'latin1')).toBe('aaaaa');
  });

  test('by making no progress is waited for no longer than that', async () => {
    const place = await cachePlace();
    const cache = place.open({}, { stallMs: 50 });
    const started = gate();
    const stop = new AbortController();
    const hanging = failureOf(
      place.get(cache.openFor('one'), 'aa', 5, {
        signal: stop.signal,
        fetch: async ({ signal }) => {
          started.open();
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      }),
    );
    await started.opened;
    expect(await readFile(await place.get(cache.openFor('other'), 'aa', 5), 'latin1')).toBe('aaaaa');
    stop.abort(new Error('enough'));
    expect(await hanging).toMatchObject({ message: 'enough' });
  });
});

describe('a task that is aborted', () => {
  test('while it waits, lets the others have the download', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const started = gate();
    const done = gate();
    const wanted = place.want('aa', 5);
    const fetch = async (target: StageInTarget) => {
      started.open();
      await done.opened;
      return wanted.fetch(target);
    };
    const first = place.get(cache.openFor('one'), 'aa', 5, { fetch });
    await started.opened;
    const stop = new AbortController();
    const waiting = failureOf(place.get(cache.openFor('other'), 'aa', 5, { signal: stop.signal }));
    stop.abort(new Error('no longer wanted'));
    expect(await waiting).toMatchObject({ message: 'no longer wanted' });
    done.open();
    expect(await readFile(await first, 'latin1')).toBe('aaaaa');
    expect(place.fetched.get('aa')).toBe(1);
  });

  test('while it fetches, stops the download when nobody else waits: nothing is left', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const stop = new AbortController();
    let stopped = false;
    const fetch = async ({ suggestedPath, signal }: StageInTarget): Promise<string> => {
      await writeFile(suggestedPath, 'aa');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(signal.reason);
        });
        stop.abort(new Error('no longer wanted'));
      });
    };
    const inputs = cache.openFor('one');
    expect(await failureOf(place.get(inputs, 'aa', 5, { fetch, signal: stop.signal }))).toMatchObject({
      message: 'no longer wanted',
    });
    expect(stopped).toBe(true);
    expect(await place.leftovers()).toEqual([]);
    expect((await cache.inspect()).names).toEqual([]);
  });

  test('while it fetches what others wait for, leaves the download to them', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const started = gate();
    const done = gate();
    const stop = new AbortController();
    const wanted = place.want('aa', 5);
    const fetch = async (target: StageInTarget) => {
      started.open();
      await done.opened;
      target.signal.throwIfAborted();
      return wanted.fetch(target);
    };
    const first = cache.openFor('one');
    const aborted = failureOf(place.get(first, 'aa', 5, { fetch, signal: stop.signal }));
    await started.opened;
    const other = place.open().openFor('other');
    const waiting = place.get(other, 'aa', 5);
    await vi.waitFor(async () => expect(await usersOf(place.directory)).toBe(2), { interval: 2 });
    stop.abort(new Error('no longer wanted'));
    expect(await aborted).toMatchObject({ message: 'no longer wanted' });
    await first.release();
    done.open();
    expect(await readFile(await waiting, 'latin1')).toBe('aaaaa');
    expect(place.fetched.get('aa')).toBe(1);
    expect(await other.release()).toMatchObject({ hits: 1, misses: 0 });
  });

  test('leaves a download to others only as long as they want it', async () => {
    const place = await cachePlace();
    const cache = place.open();
    const started = gate();
    const stopped = gate();
    const stops = [new AbortController(), new AbortController()];
    const fetch = async ({ signal }: StageInTarget): Promise<string> => {
      started.open();
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.open();
          reject(signal.reason);
        });
      });
    };
    const asks = stops.map(({ signal }, index) =>
      failureOf(place.get(cache.openFor(`task ${index}`), 'aa', 5, { fetch, signal })),
    );
    await started.opened;
    await vi.waitFor(async () => expect(await usersOf(place.directory)).toBe(2), { interval: 2 });
    for (const stop of stops) stop.abort(new Error('enough'));
    await Promise.all(asks);
    await stopped.opened;
    await cache.close();
    expect(await place.leftovers()).toEqual([]);
  });
});

async function usersOf(directory: string): Promise<number> {
  const { readdir } = await import('node:fs/promises');
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names.filter((name) => /\/pins\/./.test(name)).length;
}
