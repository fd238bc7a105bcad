import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bash, type DataFile, file, type Io, type Staging } from 'sluice';
import { afterAll, expect, test } from 'vitest';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-staged-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('only what is read is brought, and only what is written is put', async () => {
  const calls: string[] = [];
  const local = createLocalStaging();
  const noting: Staging = {
    ...local,
    stageIn: (one, target) => {
      calls.push(`in ${one.filename}`);
      return local.stageIn(one, target);
    },
    stageOut: (one, source) => {
      calls.push(`out ${one.filename}`);
      return local.stageOut(one, source);
    },
  };
  const manager = createStagingManager([noting]);
  const { signal } = new AbortController();
  await writeFile(join(folder, 'read'), 'x');
  await manager.stageIn([file(join(folder, 'read'))], { directory: folder, signal });
  expect(calls.splice(0)).toEqual(['in read']);
  const url = file(join(folder, 'written')).url;
  const path = manager.outputPath(url, folder);
  await writeFile(path, 'y');
  await manager.stageOut([{ url, path }], { signal });
  expect(calls).toEqual(['out written']);
});

test('names of outputs chain through tasks, and what cannot be brought or put reaches the user', async () => {
  await using run = await temporaryRun();
  const { kernel } = run;
  const at = (name: string) => join(run.folder, name);
  const add = bash(
    (word: string, io: Io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}; echo ${word} >> ${io.outputs[0]}`,
    {
      name: 'add',
      kernel,
    },
  );
  const first = add('1', { outputs: [at('first.txt')] });
  const second = add('2', { inputs: [first.outputs[0]], outputs: [at('second.txt')] });
  const third = add('3', { inputs: [second.outputs[0]], outputs: [at('third.txt')] });
  expect([first, second, third].map(({ outputs }) => outputs[0].file.filename)).toEqual([
    'first.txt',
    'second.txt',
    'third.txt',
  ]);
  const made: DataFile = await third.outputs[0];
  expect([made.path, await readFile(made.path, 'utf8')]).toEqual([at('third.txt'), '1\n2\n3\n']);

  const missing = await failureOf<Error>(add('x', { inputs: [at('missing.txt')], outputs: [at('never')] }));
  expect(missing).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('missing.txt') });
  await writeFile(at('a-file'), '');
  const unwritable = await failureOf<Error>(add('x', { outputs: [at('a-file/below')] }));
  expect(unwritable.message).toContain('a-file');
});

test('a file elsewhere stays without a path in the client, whoever has read it', async () => {
  await using run = await temporaryRun();
  const make = bash((io) => io.sh`echo x > ${io.outputs[0]}`, { name: 'make', kernel: run.kernel });
  const read = bash((io) => io.sh`test -f ${io.inputs[0]}`, { name: 'read', kernel: run.kernel });
  const made = make({ outputs: ['temp:x'] });
  const input = made.outputs[0];
  expect(await read({ inputs: [input] })).toBe(0);
  expect(thrownBy(() => input.file.path)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
  expect(input.taskId).toBe(made.taskId);
});
