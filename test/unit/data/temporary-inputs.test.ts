import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { file } from '../../../src/data/data-file.js';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createS3Staging } from '../../../src/data/s3/s3-staging.js';
import type { Staging } from '../../../src/data/staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { InputLostError, SluiceError } from '../../../src/errors.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { temporaryFolder } from './temporary-folder.js';

const { signal } = new AbortController();

async function place(...more: Staging[]) {
  const directory = await temporaryFolder();
  const store = createMemoryStore({ bucket: 'bucket' });
  const manager = createStagingManager([...more, createLocalStaging(), createS3Staging({ openStore: () => store })]);
  const urlOf = (name: string): string => pathToFileURL(join(directory, name)).href;
  return { directory, store, manager, urlOf };
}

describe('temp: inputs', () => {
  test('come from where they are kept, under their own names', async () => {
    const { directory, store, manager, urlOf } = await place();
    await store.put('kept/0', Buffer.from('far'));
    await writeFile(join(directory, 'kept'), 'near');
    const relayed = { 'temp:d/far.txt': 's3://bucket/kept/0', 'temp:d/near.txt': urlOf('kept') };
    const files = Object.keys(relayed).map((url) => file(url));
    const paths = await manager.stageIn(files, { directory, signal, relayed });
    expect(await Promise.all([...paths.values()].map((path) => readFile(path, 'utf8')))).toEqual(
      expect.arrayContaining(['near', 'far']),
    );
    expect(paths.get('temp:d/far.txt')).toMatch(/\/far\.txt$/);
  });

  test('that are gone are INPUT_LOST, all of them, once the others have come', async () => {
    const unreachable: Staging = {
      ...createLocalStaging(),
      canStageIn: ({ scheme }) => scheme === 'peer',
      stageIn: () => Promise.reject(new SluiceError('UNREACHABLE', 'nobody answers')),
    };
    const { directory, store, manager, urlOf } = await place(unreachable);
    await store.put('kept', Buffer.from('x'));
    const relayed = {
      'temp:1': urlOf('gone'),
      'temp:2': 's3://bucket/gone',
      'temp:3/': `${urlOf('gone')}/`,
      'temp:4/': 's3://bucket/gone/',
      'temp:5': 'peer://n/x',
      'temp:6': 's3://bucket/kept',
    };
    const files = Object.keys(relayed).map((url) => file(url));
    const error = await failureOf<InputLostError>(manager.stageIn(files, { directory, signal, relayed }));
    expect(error).toBeInstanceOf(InputLostError);
    expect([...error.urls].sort()).toEqual(['temp:1', 'temp:2', 'temp:3/', 'temp:4/', 'temp:5']);
    expect(error).toMatchObject({ code: 'INPUT_LOST', class: 'infrastructure', cause: expect.any(SluiceError) });
  });

  test('other failures, and other files that are missing, stay what they are', async () => {
    const denied: Staging = {
      ...createLocalStaging(),
      canStageIn: ({ scheme }) => scheme === 'peer',
      stageIn: () => Promise.reject(new SluiceError('ACCESS_DENIED', 'no')),
    };
    const { directory, manager, urlOf } = await place(denied);
    const options = { directory, signal, relayed: { 'temp:a': 'peer://n/x', 'temp:gone': urlOf('gone') } };
    await expect(manager.stageIn([file('temp:a')], options)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const missing = manager.stageIn([file('temp:gone'), file(urlOf('no'))], options);
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('temp: outputs', () => {
  test('are moved to where they are kept, not copied; what only leads elsewhere is copied', async () => {
    const { directory, manager, urlOf } = await place();
    const relayed = { 'temp:a': urlOf('kept/a'), 'temp:b': urlOf('kept/b') };
    const [a, b] = ['temp:a', 'temp:b'].map((url) => manager.outputPath(url, directory)) as [string, string];
    await writeFile(a, 'A');
    await writeFile(join(directory, 'elsewhere'), 'B');
    await symlink(join(directory, 'elsewhere'), b);
    const { ino } = await stat(a);
    await manager.stageOut(
      [
        { url: 'temp:a', path: a },
        { url: 'temp:b', path: b },
      ],
      { signal, relayed },
    );
    expect((await stat(fileURLToPath(relayed['temp:a']))).ino).toBe(ino);
    await writeFile(join(directory, 'elsewhere'), 'changed');
    expect(await readFile(fileURLToPath(relayed['temp:b']), 'utf8')).toBe('B');
  });

  test('and no others', async () => {
    const { directory, manager, urlOf } = await place();
    const path = manager.outputPath(urlOf('result'), directory);
    await writeFile(path, 'x');
    await manager.stageOut([{ url: urlOf('result'), path }], { signal });
    expect(await readFile(path, 'utf8')).toBe('x');
  });
});
