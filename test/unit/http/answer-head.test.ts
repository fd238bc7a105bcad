import { expect, test } from 'vitest';
import { parseAnswerHead } from '../../../src/http/answer-head.js';

const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines].join('\r\n');

test('names are in lower case, values without what surrounds them, and those of one name joined', () => {
  const { headers } = parseAnswerHead(head('ETag:  "a: b" ', 'X-A: 1', 'x-a: 2', 'Empty:'), 'GET');
  expect({ ...headers }).toEqual({ etag: '"a: b"', 'x-a': '1, 2', empty: '' });
});

test('a header may have the name of what every object has', () => {
  const { headers } = parseAnswerHead(head('__proto__: x', 'constructor: y'), 'GET');
  expect(headers.constructor).toBe('y');
  expect(headers.toString).toBeUndefined();
  expect(Object.getPrototypeOf(headers)).toBeNull();
});

test.each([
  ['a length', 'GET', head('Content-Length: 12'), 12],
  ['no length', 'GET', head(), 'rest'],
  ['chunks', 'GET', head('Transfer-Encoding: Chunked'), 'chunked'],
  [
    'chunks, whatever length is said besides',
    'GET',
    head('Content-Length: 5', 'Transfer-Encoding: chunked'),
    'chunked',
  ],
  ['the answer to HEAD, which says the length of another', 'HEAD', head('Content-Length: 12'), 0],
  ['no content', 'GET', 'HTTP/1.1 204 No Content', 0],
  ['not modified', 'GET', 'HTTP/1.1 304 \r\nContent-Length: 12', 0],
  ['an answer that others follow', 'PUT', 'HTTP/1.1 100 Continue', 0],
  ['no words behind the status', 'GET', 'HTTP/1.1 503\r\ncontent-length: 0', 0],
])('the length of a body: %s', (_, method, text, length) => {
  expect(parseAnswerHead(text, method).length).toBe(length);
});

test.each([
  ['HTTP/1.1', true, head('Content-Length: 1')],
  ['HTTP/1.1 that says no', false, head('Content-Length: 1', 'Connection: Close')],
  ['HTTP/1.0', false, 'HTTP/1.0 200 OK\r\nContent-Length: 1'],
  ['HTTP/1.0 that says yes', true, 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive'],
  ['a body that ends with it', false, head()],
])('whether the connection stays open: %s', (_, staysOpen, text) => {
  expect(parseAnswerHead(text, 'GET').staysOpen).toBe(staysOpen);
});

test.each([
  ['SSH-2.0-OpenSSH_9.2', /begins with "SSH-2.0-OpenSSH_9.2"/],
  ['HTTP/2 200', /begins with/],
  ['HTTP/1.1 20', /begins with/],
  [head('no colon'), /the header "no colon" has no name/],
  [head(': x'), /has no name/],
  [head(' folded: x'), /has no name/],
  [head('a b: x'), /has no name/],
  [head('Content-Length: -1'), /length "-1"/],
  [head('Content-Length: 1x'), /length "1x"/],
  [head('Content-Length: 5', 'Content-Length: 6'), /length "5, 6"/],
  [head('Content-Length: 99999999999999999999'), /length/],
  [head('Transfer-Encoding: gzip, chunked'), /transfer coding "gzip, chunked"/],
])('%j is no answer', (text, says) => {
  expect(() => parseAnswerHead(text, 'GET')).toThrow(says);
  expect(() => parseAnswerHead(text, 'GET')).toThrow(expect.objectContaining({ code: 'BAD_ANSWER' }));
});
