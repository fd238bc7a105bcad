import { expect, test } from 'vitest';
import { coresOfWorkers, parseCoreList } from '../../../src/pilot/cpu-affinity.js';
import { thrownBy } from '../../fixtures/kernel/failure-of.js';

const cores = [0, 1, 2, 3, 8, 9, 10];

test.each([
  ['none', undefined],
  [
    'block',
    [
      [0, 1],
      [2, 3],
      [8, 9],
    ],
  ],
  [
    'block-reverse',
    [
      [8, 9],
      [2, 3],
      [0, 1],
    ],
  ],
  [
    'alternating',
    [
      [0, 3, 10],
      [1, 8],
      [2, 9],
    ],
  ],
  [
    'list:0-1:2,3:8-10',
    [
      [0, 1],
      [2, 3],
      [8, 9, 10],
    ],
  ],
])('%s deals seven cores out to three workers as Parsl does', (affinity, dealt) => {
  expect(coresOfWorkers({ affinity, cores, workers: 3 })).toEqual(dealt);
});

test.each([
  ['block', 8, '8 workers cannot be pinned to 7 cores'],
  ['list:0:1', 3, 'it has 2 lists for 3 workers'],
  ['list:0:x', 2, 'a list of cores looks like 0-1,4'],
  ['list:0:3-1', 2, 'a list of cores looks like 0-1,4'],
  ['diagonal', 1, 'it is none, block, block-reverse, alternating, or list:'],
])('%s for %i workers is refused, saying why', (affinity, workers, why) => {
  const error = thrownBy<Error>(() => coresOfWorkers({ affinity, cores, workers }));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  expect(error.message).toContain(`cpuAffinity '${affinity}'`);
  expect(error.message).toContain(why);
});

test('lists of cores are read as the kernel writes them', () => {
  expect(parseCoreList('0-3,8\n')).toEqual([0, 1, 2, 3, 8]);
  for (const text of ['', 'a', '1-', '1-2-3', '1,,2']) expect(parseCoreList(text)).toBe(undefined);
});
