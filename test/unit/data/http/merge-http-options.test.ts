import { expect, test } from 'vitest';
import { mergeHttpOptions } from '../../../../src/data/http/merge-http-options.js';

test('what a script says of a site goes with the token that the worker has for it', () => {
  const merged = mergeHttpOptions(
    { connections: 4, sites: { 'https://host/': { bearer: 'token', upload: 'move' } } },
    { parallelParts: 2, sites: { 'https://host/': { expectType: ['text/csv'], upload: 'put' } } },
  );
  expect(merged).toEqual({
    connections: 4,
    parallelParts: 2,
    sites: { 'https://host/': { bearer: 'token', expectType: ['text/csv'], upload: 'put' } },
  });
});

test('a part of a site has what both say of the whole, and nothing goes to other sites', () => {
  const { sites } = mergeHttpOptions(
    { sites: { 'https://host/': { bearer: 'token' }, 'https://host/deep/in/': { bearer: 'other' } } },
    { sites: { 'https://host/deep/': { expectType: ['text/csv'] }, 'https://else/': { overwrite: false } } },
  );
  expect(sites).toEqual({
    'https://host/': { bearer: 'token' },
    'https://host/deep/': { bearer: 'token', expectType: ['text/csv'] },
    'https://host/deep/in/': { bearer: 'other', expectType: ['text/csv'] },
    'https://else/': { overwrite: false },
  });
});
