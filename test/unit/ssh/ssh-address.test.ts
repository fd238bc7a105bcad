import { expect, test } from 'vitest';
import { parseSshAddress } from '../../../src/ssh/ssh-address.js';

test.each([
  ['host', { host: 'host' }],
  ['me@host', { host: 'host', user: 'me' }],
  ['me@host:2222', { host: 'host', user: 'me', port: 2222 }],
  ['[::1]:22', { host: '::1', port: 22 }],
  ['ssh://me@gate.example.org:2222', { host: 'gate.example.org', user: 'me', port: 2222 }],
  [' host ', { host: 'host' }],
])('%s', (text, address) => {
  expect(parseSshAddress(text)).toEqual(address);
});

test.each(['', 'me@', ':22', 'host:port', 'a/b'])('%j is refused, and says how a host is written', (text) => {
  expect(() => parseSshAddress(text)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining('[user@]host[:port]') }),
  );
});
