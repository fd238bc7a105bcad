import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  type GlobusStagingOptions,
  resolveGlobusStagingOptions,
} from '../../../../src/data/globus/globus-staging-options.js';

afterEach(() => vi.unstubAllEnvs());

const OWN = { endpointId: '6c54cade-bde5-45c1-bdea-f4bd71dba2cc', endpointPath: '/~/', localPath: '/home/me' };

test('what is left out has its default', () => {
  expect(resolveGlobusStagingOptions({})).toMatchObject({
    tokenFile: join(homedir(), '.sluice', 'globus.json'),
    deadlineMs: 24 * 60 * 60_000,
    pollMs: 1_000,
    gatherMs: 50,
    encrypt: false,
  });
});

test("the worker's own collection is what the options or the environment say", () => {
  expect(resolveGlobusStagingOptions(OWN).own()).toEqual(OWN);
  vi.stubEnv('SLUICE_GLOBUS_OPTIONS', JSON.stringify(OWN));
  expect(resolveGlobusStagingOptions().own()).toEqual(OWN);
});

test('one that is not set is told when it is needed, with what to set', () => {
  expect(() => resolveGlobusStagingOptions({}).own()).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining('SLUICE_GLOBUS_OPTIONS') }),
  );
});

test.each([
  ['half of a collection', { endpointId: OWN.endpointId }, /all three/],
  ['a name for a UUID', { ...OWN, endpointId: 'tutorial' }, /endpointId/],
  ['relative paths', { ...OWN, endpointPath: '~', localPath: 'here' }, /endpointPath[\s\S]*localPath/],
  ['what does not exist', { endpoint: 'x' }, /endpoint/],
])('%s is refused', (_, options, message) => {
  expect(() => resolveGlobusStagingOptions(options as GlobusStagingOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) }),
  );
});
