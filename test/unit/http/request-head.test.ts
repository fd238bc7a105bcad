import { expect, test } from 'vitest';
import { requestHead } from '../../../src/http/request-head.js';

const request = { origin: 'http://h:1', method: 'GET', path: '/a?b=c' } as const;

test('names the host, and says how long the body is', () => {
  const put = { ...request, method: 'PUT', headers: { 'x-a': 'ü' }, body: new Uint8Array(5) } as const;
  expect(requestHead(put, 'h:1')).toBe('PUT /a?b=c HTTP/1.1\r\nhost: h:1\r\nx-a: ü\r\ncontent-length: 5\r\n\r\n');
  expect(requestHead(request, 'h:1')).toBe('GET /a?b=c HTTP/1.1\r\nhost: h:1\r\n\r\n');
  expect(requestHead({ ...request, headers: { host: 'other' } }, 'h:1')).toBe(
    'GET /a?b=c HTTP/1.1\r\nhost: other\r\n\r\n',
  );
});

test.each(['PUT', 'POST'] as const)('a %s without a body says so', (method) => {
  expect(requestHead({ ...request, method }, 'h')).toContain('\r\ncontent-length: 0\r\n');
});

test.each(['', 'a', '/a b', '/ä', '/a\r\nx: y'])('the path %j cannot be sent', (path) => {
  expect(() => requestHead({ ...request, path }, 'h')).toThrow(/path/);
});

test.each(['a\r\nx: secret', 'a\nsecret', 'secret\0', 'secret\u{2028}'])(
  'a header cannot be %j, and what it is is not said',
  (value) => {
    const send = () => requestHead({ ...request, headers: { 'x-a': value } }, 'h');
    expect(send).toThrow(/header x-a has characters/);
    expect(send).not.toThrow(/secret/);
  },
);
