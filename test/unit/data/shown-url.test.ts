import { expect, test } from 'vitest';
import { shownUrl } from '../../../src/data/shown-url.js';

test.each([
  ['https://host/a/b.txt', 'https://host/a/b.txt'],
  ['https://jo:pass@host:8443/a%20b.txt', 'https://host:8443/a%20b.txt'],
  ['https://token@host/a', 'https://host/a'],
  ['https://host/k?X-Amz-Signature=0badc0de&X-Amz-Credential=AK%2F1&id=5#part', 'https://host/k?…'],
  ['https://host/k?bare-secret', 'https://host/k?…'],
  ['http://jo:pass@[bad/a?b', 'http://[bad/a?…'],
  ['ftp://jo:pass@host/a', 'ftp://host/a'],
  ['sftp://jo@host/a', 'sftp://jo@host/a'],
  ['rsync+ssh://jo@host/a', 'rsync+ssh://jo@host/a'],
  ['s3://bucket/a@b?c#d', 's3://bucket/a@b?c#d'],
  ['file:///a@b?c', 'file:///a@b?c'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
