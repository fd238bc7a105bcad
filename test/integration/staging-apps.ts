import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { app } from '../../src/apps/app.js';
import { bash } from '../../src/apps/bash-app.js';
import type { Config } from '../../src/config/config.js';
import { load } from '../../src/config/load.js';
import type { DataFile } from '../../src/data/data-file.js';

/** A store as its users see it. */
export interface StoreOfApps {
  /** URL of a name there. */
  urlOf(name: string): string;
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
  /** A folder cannot be listed there, and so is not brought as one. */
  readonly withoutFolders?: boolean;
}

/**
 * Runs apps whose files are in a store, on threads unless told otherwise: they come in, go out, and are what other apps
 * wait for. Resolves with everything that the run has written down.
 */
export async function runAppsOver(
  { urlOf, write, read, withoutFolders }: StoreOfApps,
  config: Pick<Config, 'executors'> = {},
): Promise<string> {
  const runDir = await mkdtemp(join(tmpdir(), 'sluice-apps-'));
  const flow = await load({ ...config, runDir, asDefault: false, handleSignals: false });
  try {
    const options = { kernel: flow };
    const count = app(
      async (text: DataFile) => {
        const { readFile: readText } = await import('node:fs/promises');
        return (await readText(text.path, 'utf8')).trim().split(/\s+/).length;
      },
      { ...options, name: 'count' },
    );
    const concat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { ...options, name: 'concat' });
    const tree = bash((io) => io.sh`cp -r ${io.inputs[0]}/. ${io.outputs[0]}; find ${io.outputs[0]} -type f | wc -l`, {
      ...options,
      name: 'tree',
    });
    await write('in/a b.txt', 'one two\n');
    await write('in/below/c.txt', 'three\n');
    const inputs = ['in/a b.txt', 'in/below/c.txt'].map(urlOf);
    const both = concat({ inputs, outputs: [urlOf('out/both.txt')], stdout: urlOf('out/stdout.txt') });
    // An output there is an input of the next, and waits until it is there.
    expect(await count(both.outputs[0])).toBe(3);
    expect(await read('out/both.txt')).toBe('one two\nthree\n');
    expect(await read('out/stdout.txt')).toBe('');
    if (!withoutFolders) {
      expect(await tree({ inputs: [urlOf('in/')], outputs: [urlOf('copy/')] })).toBe(0);
      expect(await read('copy/below/c.txt')).toBe('three\n');
    }
    const missing = concat({ inputs: [urlOf('in/none.txt')], outputs: [urlOf('out/none.txt')] });
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('none.txt') });
    await flow.close();
    return await textsBelow(runDir);
  } finally {
    await flow.close();
    await rm(runDir, { recursive: true, force: true });
  }
}

async function textsBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join('\n');
}
