import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claimScratch, sweepScratch } from '../../../src/pilot/scratch-folder.js';
import { startTicksOf } from '../../../src/run/process-identity.js';
import { temporaryFolder } from '../data/temporary-folder.js';

test('what a killed manager left goes, what belongs to others or to nobody stays', async () => {
  const parent = await temporaryFolder();
  claimScratch(join(parent, 'mine'));
  const note = JSON.parse(await readFile(join(parent, 'mine', '.manager'), 'utf8'));
  const child = spawn('sleep', ['60']);
  const dead = { ...note, pid: child.pid, ticks: startTicksOf(child.pid as number) };
  const claims = {
    dead,
    elsewhere: { ...dead, host: 'another-machine' },
    'another-namespace': { ...dead, namespace: 'pid:[1]' },
    'another-boot': { ...dead, boot: 'another' },
    'number-given-again': { ...dead, pid: process.pid },
  };
  for (const [name, owner] of Object.entries(claims)) {
    await mkdir(join(parent, name, 'kept'), { recursive: true });
    await writeFile(join(parent, name, '.manager'), JSON.stringify(owner));
  }
  await mkdir(join(parent, 'half', 'kept'), { recursive: true });
  await writeFile(join(parent, 'half', '.manager'), '{"host":');
  await mkdir(join(parent, 'nobodys'));
  await sweepScratch(parent);
  expect(await readdir(parent)).toContain('dead');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sweepScratch(parent);
  expect((await readdir(parent)).sort()).toEqual([
    'another-boot',
    'another-namespace',
    'elsewhere',
    'half',
    'mine',
    'nobodys',
  ]);
});

test('a folder that is not there is no trouble', async () => {
  await expect(sweepScratch(join(await temporaryFolder(), 'none'))).resolves.toBeUndefined();
});
