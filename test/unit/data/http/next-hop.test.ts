import { describe, expect, test } from 'vitest';
import { isRedirect, nextHop } from '../../../../src/data/http/next-hop.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';

const hop = (from: string, location: string | undefined, { status = 302, method = 'GET' } = {}) =>
  nextHop({ from: new URL(from), status, location, method, what: 'read it' });

test('a redirect leads to where its Location says, seen from where it came', () => {
  expect(hop('https://host/a/b', '../c?x=1').href).toBe('https://host/c?x=1');
  expect(hop('http://host/a', '//other:81/b').href).toBe('http://other:81/b');
  expect(hop('http://host/a', 'https://host/a').href).toBe('https://host/a');
});

test('credentials and a fragment in a Location are left out', () => {
  expect(hop('https://host/a', 'https://jo:pass@other/b#c').href).toBe('https://other/b');
});

test.each([300, 304, 200, 404])('status %d is no redirect', (status) => {
  expect(isRedirect(status)).toBe(false);
});

describe('a redirect is not followed', () => {
  test.each([
    ['from https to http', 'https://host/a', 'http://host/a', {}, /anybody on the way/],
    ['to another scheme', 'http://host/a', 'file:///etc/passwd', {}, /not HTTP/],
    ['from a file to the folder of its name', 'http://host/a', '/a/', {}, /is a folder/],
    ['from a write to a page about it', 'http://host/a', '/done', { status: 303, method: 'PUT' }, /written/],
  ])('%s', (_, from, location, options, message) => {
    const error = thrownBy(() => hop(from, location, options));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) });
  });

  test.each([[undefined], ['http://[']])('to nowhere: %s', (location) => {
    const error = thrownBy(() => hop('http://host/a', location));
    expect(error).toMatchObject({ code: 'SERVICE_FAILED' });
  });
});

test('a folder named as such may have its page elsewhere', () => {
  expect(hop('http://host/a/', '/a/index').href).toBe('http://host/a/index');
});
