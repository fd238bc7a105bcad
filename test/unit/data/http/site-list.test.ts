import { expect, test } from 'vitest';
import { credentialsIn, findSiteIn, siteHeaders } from '../../../../src/data/http/site-list.js';

const find = findSiteIn({
  sites: {
    'https://host/': { bearer: 'all' },
    'https://host/private/deep': { bearer: 'deep' },
    'https://host/private/': { bearer: 'private' },
    'https://host:8443/': { bearer: 'port' },
  },
});

test.each([
  ['https://host/a', 'all'],
  ['https://host/private/a', 'private'],
  ['https://host/private', 'all'],
  ['https://host/private/deep', 'deep'],
  ['https://host/private/deep/a', 'deep'],
  ['https://host/private/deeper', 'private'],
  ['https://host:8443/a', 'port'],
  ['http://host/a', undefined],
  ['https://host.evil.org/a', undefined],
  ['https://sub.host/a', undefined],
])('%s is of the site with the longest beginning', (url, bearer) => {
  expect(find(new URL(url)).bearer).toBe(bearer);
});

test('what stands in the URL goes before what the options say, at its own origin only', () => {
  const credentials = credentialsIn(new URL('https://j%40o:p%3Ass%zz@host/a'));
  expect(credentials).toMatchObject({ username: 'j@o', password: 'p%3Ass%zz' });
  const site = { bearer: 'token', headers: { 'X-Key': 'k', Authorization: 'old' } };
  const basic = `Basic ${Buffer.from('j@o:p%3Ass%zz').toString('base64')}`;
  expect(siteHeaders(new URL('https://host/b'), site, credentials)).toEqual({ 'X-Key': 'k', authorization: basic });
  const elsewhere = siteHeaders(new URL('https://other/b'), site, credentials);
  expect(elsewhere).toEqual({ 'X-Key': 'k', authorization: 'Bearer token' });
  expect(siteHeaders(new URL('https://other/b'), {}, credentials)).toEqual({});
});

test('user name and password of a site are basic authentication', () => {
  const headers = siteHeaders(new URL('https://host/'), { username: 'jo', password: 'ü:1' }, undefined);
  expect(headers).toEqual({ authorization: `Basic ${Buffer.from('jo:ü:1').toString('base64')}` });
});
