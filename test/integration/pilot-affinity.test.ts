import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Io } from 'sluice';
import { afterEach, describe, expect, test } from 'vitest';
import { callOf } from '../../src/conformance/executor/calls.js';
import { detectNode } from '../../src/pilot/node-resources.js';
import { type PlayedInterchange, playInterchange, resultOf } from '../fixtures/pilot/played-interchange.js';
import { requireOrSkip } from './required-server.js';

let interchange: PlayedInterchange;
async function started(changes: Parameters<typeof playInterchange>[0] = {}): Promise<void> {
  interchange = await playInterchange(changes);
  interchange.start();
  await interchange.registered();
}
afterEach(() => interchange[Symbol.asyncDispose]());

const hasTaskset = requireOrSkip('taskset', { command: 'taskset', install: 'util-linux' });
const hasCompiler = requireOrSkip('gcc', { command: 'gcc', install: 'gcc' });
const [first = 0, second = 0] = detectNode({}).coreList;

/** Rank, cores and OpenMP variables of the worker, once both have had time to get a task. */
const placeOf = async () => {
  const { readFile } = await import('node:fs/promises');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  const { SLUICE_WORKER_RANK, OMP_NUM_THREADS, GOMP_CPU_AFFINITY, KMP_AFFINITY } = process.env;
  return [SLUICE_WORKER_RANK, list, OMP_NUM_THREADS, GOMP_CPU_AFFINITY, KMP_AFFINITY];
};
async function places(): Promise<unknown[]> {
  const sent = interchange.submitAll([callOf(placeOf, []), callOf(placeOf, [])]);
  return (await Promise.all(sent.map(async ({ outcome }) => resultOf(await outcome)))).sort();
}
const pinned = (rank: number, core: number) => [`${rank}`, `${core}`, '1', `${core}`, `explicit,proclist=[${core}]`];

describe.skipIf(!hasTaskset || availableParallelism() < 2)('two workers on two cores', () => {
  test.each([
    ['block', [first, second]],
    ['block-reverse', [second, first]],
    ['alternating', [first, second]],
    [`list:${second}:${first}`, [second, first]],
  ])('are pinned by %s, commands and threads too', async (cpuAffinity, cores) => {
    await started({ cpuAffinity });
    expect(await places()).toEqual(cores.map((core, rank) => pinned(rank, core)));
    const command = (io: Io) => io.sh`test "$(taskset -cp $$ | sed 's/.*: //')" = "$GOMP_CPU_AFFINITY"`;
    expect(await interchange.valueOf(callOf(command, [], { kind: 'bash' }))).toBe(0);
  });

  test('are not pinned by none', async () => {
    await started();
    expect(await places()).toEqual(
      [0, 1].map((rank) => [`${rank}`, expect.stringMatching(/[-,]/), undefined, undefined, undefined]),
    );
  });

  test('are one for a task of two slots, which has the cores of both meanwhile', async () => {
    await started({ cpuAffinity: 'block' });
    const { outcome } = interchange.submit(callOf(placeOf, []), { needs: { cores: 2 } });
    const [, list, threads, cores] = resultOf(await outcome) as string[];
    expect(list).toBe(second === first + 1 ? `${first}-${second}` : `${first},${second}`);
    expect([threads, cores]).toEqual(['2', `${first},${second}`]);
    expect(await places()).toEqual([pinned(0, first), pinned(1, second)]);
  });

  test.skipIf(!hasCompiler)('run OpenMP programs with as many threads as they have cores, and there', async () => {
    await started({ cpuAffinity: 'block' });
    const program = join(interchange.folder, 'places');
    writeFileSync(`${program}.c`, OPENMP_PROGRAM);
    execFileSync('gcc', ['-fopenmp', '-o', program, `${program}.c`]);
    const output = join(interchange.folder, 'output');
    const run = (path: string, to: string, io: Io) => io.sh`${path} > ${to}`;
    const read = async (path: string) => (await import('node:fs')).readFileSync(path, 'utf8').trim().split('\n').sort();
    expect(await interchange.valueOf(callOf(run, [program, output], { kind: 'bash' }))).toBe(0);
    expect(await interchange.valueOf(callOf(read, [output]))).toEqual([
      expect.stringMatching(new RegExp(`^1 thread, cpu (${first}|${second})$`)),
    ]);
    const { outcome } = interchange.submit(callOf(run, [program, output], { kind: 'bash' }), { needs: { cores: 2 } });
    expect(resultOf(await outcome)).toBe(0);
    expect(await interchange.valueOf(callOf(read, [output]))).toEqual([
      `2 threads, cpu ${first}`,
      `2 threads, cpu ${second}`,
    ]);
  });
});

test('affinity that does not fit the node, or has no taskset, ends the manager with the reason', async () => {
  interchange = await playInterchange({ cpuAffinity: 'block', maxWorkersPerNode: 1_000, coresPerWorker: 0.01 });
  interchange.start();
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('workers cannot be pinned to');
  interchange = await playInterchange({ cpuAffinity: 'block' });
  interchange.start({ PATH: '/nowhere' });
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('install util-linux');
});

const OPENMP_PROGRAM = `
#define _GNU_SOURCE
#include <omp.h>
#include <sched.h>
#include <stdio.h>
int main(void) {
  #pragma omp parallel
  {
    int count = omp_get_num_threads();
    #pragma omp critical
    printf("%d thread%s, cpu %d\\n", count, count == 1 ? "" : "s", sched_getcpu());
  }
  return 0;
}
`;
