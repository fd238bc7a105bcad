import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodesOfBlock, parseNodes } from '../../../../src/pilot/mpi/node-list.js';
import { failureOf, thrownBy } from '../../../fixtures/kernel/failure-of.js';
import { temporaryFolder } from '../../data/temporary-folder.js';

const { signal } = new AbortController();

async function stubScontrol(text: string): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'scontrol'), `#!/bin/sh\n${text}\n`);
  await chmod(join(folder, 'scontrol'), 0o755);
  return `${folder}:${process.env.PATH}`;
}

test('in a Slurm job they are those that scontrol makes of its list', async () => {
  const PATH = await stubScontrol('test "$*" = "show hostnames n[1-2],login" && printf "n1\\nn2\\nlogin\\n"');
  expect(await nodesOfBlock({ PATH, SLURM_JOB_NODELIST: 'n[1-2],login' }, signal)).toEqual(['n1', 'n2', 'login']);
  expect(await nodesOfBlock({ PATH, SLURM_NODELIST: 'n[1-2],login' }, signal)).toEqual(['n1', 'n2', 'login']);
});

test('in a PBS job they are those of its file, each once, though it has a line for each process', async () => {
  const path = join(await temporaryFolder(), 'nodes');
  await writeFile(path, 'n2\nn2\nn1\nn1\nn2\n');
  expect(await nodesOfBlock({ PBS_NODEFILE: path }, signal)).toEqual(['n2', 'n1']);
});

test('where there is no scheduler it is this machine', async () => {
  expect(await nodesOfBlock({}, signal)).toEqual(['localhost']);
  expect(await nodesOfBlock({ SLURM_JOB_NODELIST: '', PBS_NODEFILE: '' }, signal)).toEqual(['localhost']);
});

test('a scheduler that does not tell is COMMAND_FAILED, with what it said', async () => {
  const PATH = await stubScontrol('echo "Invalid hostlist: n[" >&2; exit 1');
  const error = await failureOf<Error>(nodesOfBlock({ PATH, SLURM_JOB_NODELIST: 'n[' }, signal));
  expect(error).toMatchObject({ code: 'COMMAND_FAILED', class: 'infrastructure' });
  expect(error.message).toContain('scontrol show hostnames n[');
  expect(error.message).toContain('Invalid hostlist');
});

test('a file of nodes that is not there is COMMAND_FAILED by name', async () => {
  const error = await failureOf<Error>(nodesOfBlock({ PBS_NODEFILE: '/no/such/file' }, signal));
  expect(error).toMatchObject({ code: 'COMMAND_FAILED' });
  expect(error.message).toContain('/no/such/file');
});

test('an answer without a node is an error, and no empty block', () => {
  expect(thrownBy<Error>(() => parseNodes(' \n\n', 'scontrol'))).toMatchObject({ code: 'COMMAND_FAILED' });
});

test('an aborted question rejects with the reason', async () => {
  const PATH = await stubScontrol('exec sleep 600');
  const stop = new AbortController();
  const asked = failureOf<Error>(nodesOfBlock({ PATH, SLURM_JOB_NODELIST: 'n1' }, stop.signal));
  stop.abort(new Error('enough'));
  expect((await asked).message).toBe('enough');
});
