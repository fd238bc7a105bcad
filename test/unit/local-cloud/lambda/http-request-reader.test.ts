import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HttpRequest, HttpRequestReader } from '../../../../src/local-cloud/lambda/http-request-reader.js';

/** What a reader makes of these chunks: requests with their bodies as text, and `expect` for who waits to go on. */
function read(...chunks: readonly (string | Buffer)[]): unknown[] {
  const heard: unknown[] = [];
  const reader = new HttpRequestReader(
    {
      onRequest: ({ body, ...rest }: HttpRequest) => heard.push({ ...rest, body: body.toString() }),
      onExpect: () => heard.push('expect'),
    },
    { bodyLimitBytes: 1000 },
  );
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return heard;
}

const GET = 'GET /next?a=b HTTP/1.1\r\nHost: x\r\n\r\n';
const POST = 'POST /answer HTTP/1.1\r\nContent-Length: 5\r\n\r\ngrün';
const CHUNKED =
  'POST /answer HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;any=thing\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n';

const got = { method: 'GET', target: '/next?a=b', isLast: false, body: '' };
const posted = { method: 'POST', target: '/answer', isLast: false, body: 'grün' };
const chunked = { ...posted, body: 'abc0123456789' };

describe('A reader of requests', () => {
  test('finds them all, however their bytes are cut up', () => {
    const bytes = Buffer.from(GET + POST + CHUNKED + GET);
    expect(read(bytes)).toEqual([got, posted, chunked, got]);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length })), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(read(...chunks)).toEqual([got, posted, chunked, got]);
      }),
    );
  });

  test('tells of a client that waits before its body, and of one that sends no more', () => {
    expect(read('POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n')).toEqual(['expect']);
    expect(read('GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatchObject([{ isLast: true }]);
    expect(read('GET / HTTP/1.0\r\n\r\n')).toMatchObject([{ isLast: true }]);
  });

  test.each<[string, string]>([
    ['what is no HTTP', 'hello\r\n\r\n'],
    ['a length that is none', 'POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n'],
    ['a chunk without a size', 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\r\n'],
    ['a body above the limit', 'POST / HTTP/1.1\r\ncontent-length: 1001\r\n\r\n'],
    ['chunks above the limit', `POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3E9\r\n`],
    ['a head without an end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(70_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow();
  });
});
