import { expect, test } from 'vitest';
import { callOf } from '../../../../src/conformance/executor/calls.js';
import { sourcesOf, Whereabouts } from '../../../../src/executors/htex/whereabouts.js';
import type { EncodedValue } from '../../../../src/wire/encoded-value.js';
import type { TaskEnvelope } from '../../../../src/wire/task-envelope.js';

const MIB = 2 ** 20;
const taskOf = (fields: Partial<TaskEnvelope>): TaskEnvelope => ({ ...callOf(() => 1, []), ...fields });
const value = (at: string, size: number): EncodedValue => ({ kind: 'reference', url: at, size, files: [] });

test('a task is near those that made its values and files, near those most that made most', () => {
  const whereabouts = new Whereabouts('s3://b/p/values');
  whereabouts.made(['s3://b/x', 'file:///y'], 'm3');
  const slots = [
    value('s3://b/p/values/m1/v-1', 1 * MIB),
    value('s3://b/p/values/m2/v-2', 3 * MIB),
    value('s3://b/p/values/m1/v-3', 1 * MIB),
    value('s3://b/elsewhere/m4/v-4', 9 * MIB),
    value('s3://b/p/values/client/5', 9 * MIB),
    { kind: 'inline', bytes: new Uint8Array(1), files: [] } as const,
  ];
  expect(whereabouts.nearOf(taskOf({ slots, files: ['s3://b/x', 's3://b/other'] }))).toEqual(['m2', 'm1', 'm3']);
});

test('a task that reads nothing of theirs is near nobody', () => {
  const whereabouts = new Whereabouts(undefined);
  expect(whereabouts.nearOf(taskOf({}))).toBeUndefined();
  expect(
    whereabouts.nearOf(taskOf({ slots: [value('s3://b/p/values/m1/v', MIB)], files: ['s3://b/x'] })),
  ).toBeUndefined();
});

test('who wrote a file last has it', () => {
  const whereabouts = new Whereabouts(undefined);
  whereabouts.made(['s3://b/x'], 'm1');
  whereabouts.made(['s3://b/x'], 'm2');
  expect(whereabouts.nearOf(taskOf({ files: ['s3://b/x'] }))).toEqual(['m2']);
});

test('a few are named, and of files the latest are remembered', () => {
  const whereabouts = new Whereabouts(undefined);
  const files = Array.from({ length: 20_010 }, (_, index) => `s3://b/${index}`);
  for (const [index, file] of files.entries()) whereabouts.made([file], `m${index % 10}`);
  expect(whereabouts.nearOf(taskOf({ files: files.slice(0, 10) }))).toBeUndefined();
  expect(whereabouts.nearOf(taskOf({ files }))).toHaveLength(4);
});

const at = (manager: string) => `peer://${manager}@10.0.0.1:7000/-/-/`;
const serving = (...managers: string[]) => managers.map((id) => ({ id, peer: at(id) }));

test('a file that nodes have read may be fetched from those of them that are there and serve it', () => {
  const whereabouts = new Whereabouts(undefined);
  for (const manager of ['m1', 'm2', 'm3']) whereabouts.read(['s3://b/x', 's3://b/y'], manager);
  const task = taskOf({ files: ['s3://b/x', 's3://b/z'] });
  expect(whereabouts.copiesOf(task)).toBeUndefined();
  whereabouts.see([...serving('m1', 'm3', 'm4'), { id: 'm2' }]);
  const { 's3://b/x': nodes = [], ...others } = whereabouts.copiesOf(task) ?? {};
  expect([[...nodes].sort(), others]).toEqual([[at('m1'), at('m3')], {}]);
  whereabouts.see([]);
  expect(whereabouts.copiesOf(task)).toBeUndefined();
});

test('it is known by where it is fetched from, whatever the task calls it', () => {
  const whereabouts = new Whereabouts(undefined);
  const relayed = { 'file:///x': 's3://b/inputs/1' };
  const task = taskOf({ files: ['file:///x', 's3://b/y'], relayed });
  expect(sourcesOf(task)).toEqual(['s3://b/inputs/1', 's3://b/y']);
  whereabouts.read(sourcesOf(task), 'm1');
  whereabouts.see(serving('m1'));
  expect(whereabouts.copiesOf(task)).toEqual({ 'file:///x': [at('m1')], 's3://b/y': [at('m1')] });
  expect(whereabouts.copiesOf(taskOf({ ...task, relayed: { 'file:///x': 's3://b/inputs/2' } }))).toEqual({
    's3://b/y': [at('m1')],
  });
});

test('four of many nodes are named, others each time', () => {
  const whereabouts = new Whereabouts(undefined);
  const managers = Array.from({ length: 20 }, (_, index) => `m${index}`);
  for (const manager of managers) whereabouts.read(['s3://b/x'], manager);
  whereabouts.see(serving(...managers));
  const named = Array.from({ length: 100 }, () => whereabouts.copiesOf(taskOf({ files: ['s3://b/x'] }))?.['s3://b/x']);
  expect(named.every((nodes) => new Set(nodes).size === 4)).toBe(true);
  expect(new Set(named.flat()).size).toBe(20);
});

test('a task is near those that have read its files, and those that keep them by what these weigh', () => {
  const whereabouts = new Whereabouts(undefined);
  whereabouts.read(['s3://b/x'], 'm1');
  const kept = (manager: string, size: number) => `peer://${manager}@10.0.0.1:7000/abc/${size}-00000000/1-1/a`;
  const relayed = {
    'temp:small': kept('m2', 1_000),
    'temp:large': kept('m3', 9 * MIB),
    'temp:d/': `${at('m4')}1-1/d/`,
  };
  const files = ['s3://b/x', 'temp:small', 'temp:large', 'temp:d/'];
  expect(whereabouts.nearOf(taskOf({ files, relayed }))).toEqual(['m3', 'm1', 'm4', 'm2']);
});
