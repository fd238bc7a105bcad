import { expect, test } from 'vitest';
import {
  type HttpStagingOptions,
  httpOptionsFrom,
  resolveHttpStagingOptions,
} from '../../../../src/data/http/http-staging-options.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';

test('the environment gives options as JSON', () => {
  const sites = { 'https://host/': { bearer: 'secret-token' } };
  const text = JSON.stringify({ sites, connections: 3 });
  expect(httpOptionsFrom({ SLUICE_HTTP_OPTIONS: text })).toMatchObject({ sites, connections: 3, redirects: 10 });
  expect(httpOptionsFrom({}).sites).toEqual({});
});

test.each<[string, unknown]>([
  ['a site that is no URL', { sites: { host: {} } }],
  ['a site of another scheme', { sites: { 'ftp://host/': {} } }],
  ['a password without a name', { sites: { 'https://host/': { password: 'secret-1' } } }],
  [
    'two ways to authenticate',
    { sites: { 'https://host/': { bearer: 'secret-1', username: 'a', password: 'secret-2' } } },
  ],
  ['a token that could end its header', { sites: { 'https://host/': { bearer: 'secret-1\r\nx: y' } } }],
  ['a header that could end itself', { sites: { 'https://host/': { headers: { 'x-key': 'secret-1\n' } } } }],
  ['a header that the transfer sets', { sites: { 'https://host/': { headers: { Range: 'secret-1' } } } }],
  ['a password in the URL of a site', { sites: { 'https://jo:secret-1@host/': {} } }],
  ['an unknown key', { site: {}, token: 'secret-1' }],
])('%s is refused, and no secret told', (_, options) => {
  const error = thrownBy<Error>(() => resolveHttpStagingOptions(options as HttpStagingOptions));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  const fromText = thrownBy<Error>(() => httpOptionsFrom({ SLUICE_HTTP_OPTIONS: JSON.stringify(options) }));
  expect(fromText).toMatchObject({ code: 'INVALID_OPTIONS' });
  for (const shown of [error, fromText]) expect(`${shown} ${String(shown.cause)}`).not.toContain('secret-');
});

test('text that is not JSON is refused, and not told', () => {
  const error = thrownBy<Error>(() => httpOptionsFrom({ SLUICE_HTTP_OPTIONS: '{"sites": secret-1' }));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('SLUICE_HTTP_OPTIONS') });
  expect(`${error} ${String(error.cause)}`).not.toContain('secret-');
});
