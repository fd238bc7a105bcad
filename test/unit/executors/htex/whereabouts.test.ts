import { expect, test } from 'vitest';
import { callOf } from '../../../../src/conformance/executor/calls.js';
import { Whereabouts } from '../../../../src/executors/htex/whereabouts.js';
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
