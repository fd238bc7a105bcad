import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HttpAnswer, parseHttpAnswer } from '../../../../../src/local-cloud/lambda/runtime/http-answer.js';

const written = (status: number, body: string): string =>
  `HTTP/1.1 ${status} Any Words\r\nX-Some-Header: a: b\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('parsing an answer', () => {
  test('gives status, headers in lower case, body, and where it ends', () => {
    const bytes = Buffer.from(`${written(202, 'grün\r\n\r\n')}HTTP/1.1 400`);
    expect(parseHttpAnswer(bytes)).toEqual({
      kind: 'whole',
      answer: {
        status: 202,
        headers: { 'x-some-header': 'a: b', 'content-length': '9' },
        body: Buffer.from('grün\r\n\r\n'),
      },
      length: bytes.length - 'HTTP/1.1 400'.length,
    });
  });

  test.each([
    ['without a length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['that is none', 'SSH-2.0-OpenSSH\r\nContent-Length: 0\r\n\r\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parseHttpAnswer(Buffer.from(text))).toThrow(/not understood/);
  });

  test('says truly, at every length short of the whole, how much more there must be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(), (body, cut) => {
        const whole = Buffer.from(written(200, body));
        const length = cut % whole.length;
        const parsed = parseHttpAnswer(whole.subarray(0, length));
        expect(parsed.kind).toBe('partial');
        if (parsed.kind !== 'partial') return;
        expect(parsed.needed).toBeGreaterThan(length);
        expect(parsed.needed).toBeLessThanOrEqual(whole.length);
      }),
    );
  });

  test('finds all answers of a row, one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 8 }), (bodies) => {
        let bytes = Buffer.from(bodies.map((body) => written(200, body)).join(''));
        const answers: HttpAnswer[] = [];
        while (bytes.length > 0) {
          const parsed = parseHttpAnswer(bytes);
          if (parsed.kind === 'partial') throw new Error('a whole answer was taken for a part');
          answers.push(parsed.answer);
          bytes = bytes.subarray(parsed.length);
        }
        expect(answers.map(({ body }) => body.toString())).toEqual(bodies.map((body) => Buffer.from(body).toString()));
      }),
    );
  });
});
