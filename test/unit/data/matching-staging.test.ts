import { expect, test } from 'vitest';
import { DataFile } from '../../../src/data/data-file.js';
import { matchingStaging } from '../../../src/data/matching-staging.js';
import type { Staging } from '../../../src/data/staging.js';

const any: Staging = {
  name: 'any',
  schemes: ['any'],
  capabilities: { stageOut: true, list: false, remove: false, identity: 'none' },
  canStageIn: () => true,
  canStageOut: ({ url }) => !url.endsWith('read-only'),
  stageIn: async (_, { suggestedPath }) => suggestedPath,
  stageOut: async () => undefined,
  identity: async () => undefined,
  close: async () => undefined,
};

test('a staging takes those of its URLs alone that begin so, whoever asks for them', () => {
  const { canStageIn, canStageOut } = matchingStaging(any, ['https://host/a/', 'ftp://host/', 's3://bucket/']);
  const takes = (url: string) => canStageIn(new DataFile(url));
  const taken = ['https://host/a/b', 'https://me:secret@host/a/b', 'ftp://me@host/x', 's3://bucket/x', 's3://bucket/'];
  const left = [
    'https://host/b',
    'https://host.evil/a/',
    'https://evil@else/host/a/',
    's3://bucket2/x',
    's3://me@bucket/x',
  ];
  expect(taken.filter(takes)).toEqual(taken);
  expect(left.filter(takes)).toEqual([]);
  expect(canStageOut(new DataFile('s3://bucket/x'))).toBe(true);
  expect(canStageOut(new DataFile('s3://bucket/read-only'))).toBe(false);
});
