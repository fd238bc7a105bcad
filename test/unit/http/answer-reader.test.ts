import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerHead } from '../../../src/http/answer-head.js';
import { AnswerReader } from '../../../src/http/answer-reader.js';
import { BLOCK_BYTES } from '../../../src/http/blocks.js';

/** What a listener was told of one answer. */
interface Told {
  head?: AnswerHead;
  readonly pieces: Buffer[];
  hasEnded: boolean;
}

/** A reader of one answer. */
function expecting(method = 'GET', reader: AnswerReader = new AnswerReader()): { reader: AnswerReader; told: Told } {
  const told: Told = { pieces: [], hasEnded: false };
  reader.expect(method, {
    onHead: (head) => {
      told.head = head;
    },
    onData: (bytes) => told.pieces.push(Buffer.from(bytes)),
    onEnd: () => {
      told.hasEnded = true;
    },
  });
  return { reader, told };
}

/** Gives bytes to a reader as a socket does: at most as many as it has room for. */
function feed(reader: AnswerReader, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const { room } = reader;
    const part = bytes.subarray(at, at + room.length);
    room.set(part);
    reader.take(part.length);
    at += part.length;
  }
}

const bodyOf = ({ pieces }: Told): Buffer => Buffer.concat(pieces);

const withLength = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]);

function inChunks(body: Buffer, sizes: readonly number[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')];
  let at = 0;
  for (const size of [...sizes, body.length]) {
    const chunk = body.subarray(at, at + size);
    if (chunk.length === 0) continue;
    parts.push(Buffer.from(`${chunk.length.toString(16).toUpperCase()};a="b"\r\n`), chunk, Buffer.from('\r\n'));
    at += chunk.length;
  }
  parts.push(Buffer.from('0\r\nX-Trailer: 1\r\n\r\n'));
  return Buffer.concat(parts);
}

const anyBody = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyCuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 });

function feedInPieces(reader: AnswerReader, bytes: Buffer, cuts: readonly number[]): void {
  let at = 0;
  for (const size of [...cuts, bytes.length]) {
    feed(reader, bytes.subarray(at, at + size));
    at += size;
  }
}

describe('an answer in any pieces', () => {
  test('with a length, is the same', () => {
    fc.assert(
      fc.property(anyBody, anyCuts, (body, cuts) => {
        const { reader, told } = expecting();
        feedInPieces(reader, withLength(body), cuts);
        expect([told.head?.status, bodyOf(told), told.hasEnded]).toEqual([200, body, true]);
        // A small body is there as a whole.
        expect(told.pieces.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('in chunks, is the same', () => {
    fc.assert(
      fc.property(anyBody, fc.array(fc.nat(40), { maxLength: 10 }), anyCuts, (body, sizes, cuts) => {
        const { reader, told } = expecting();
        feedInPieces(reader, inChunks(body, sizes), cuts);
        expect([bodyOf(told), told.hasEnded]).toEqual([body, true]);
      }),
    );
  });

  test('after others that only say that it is coming, is the same', () => {
    const before = Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n');
    fc.assert(
      fc.property(anyBody, anyCuts, (body, cuts) => {
        const { reader, told } = expecting();
        feedInPieces(reader, Buffer.concat([before, withLength(body)]), cuts);
        expect([told.head?.status, bodyOf(told), told.hasEnded]).toEqual([200, body, true]);
      }),
    );
  });

  test('that ends with its connection, is the same, and ends only then', () => {
    fc.assert(
      fc.property(anyBody, anyCuts, (body, cuts) => {
        const { reader, told } = expecting();
        feedInPieces(reader, Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body]), cuts);
        expect([bodyOf(told), told.hasEnded]).toEqual([body, false]);
        reader.finish();
        expect(told.hasEnded).toBe(true);
      }),
    );
  });
});

test('a large body comes in blocks, each filled, and a last one', () => {
  const body = Buffer.alloc(2 * BLOCK_BYTES + 5, 'some bytes ');
  const { reader, told } = expecting();
  feedInPieces(reader, withLength(body), [100, 7_000, 100_000, 1_000_000]);
  expect(told.pieces.map(({ length }) => length)).toEqual([BLOCK_BYTES, BLOCK_BYTES, 5]);
  expect(bodyOf(told).equals(body)).toBe(true);
});

test('of a body that breaks off, what has come is given', () => {
  const { reader, told } = expecting();
  feed(reader, withLength(Buffer.from('0123456789')).subarray(0, -4));
  expect(told.pieces).toEqual([]);
  reader.finish();
  expect([bodyOf(told).toString(), told.hasEnded]).toEqual(['012345', false]);
});

test('answers come one after the other', () => {
  const reader = new AnswerReader();
  for (const text of ['one', '', 'three']) {
    const { told } = expecting('GET', reader);
    feed(reader, withLength(Buffer.from(text)));
    expect([bodyOf(told).toString(), told.hasEnded]).toEqual([text, true]);
  }
});

test('the answer to HEAD has no body, whatever it announces', () => {
  const { reader, told } = expecting('HEAD');
  feed(reader, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'));
  expect([told.head?.headers['content-length'], told.hasEnded]).toEqual(['500', true]);
});

test.each([
  ['bytes behind an answer', Buffer.concat([withLength(Buffer.from('abc')), Buffer.from('d')]), /after its end/],
  ['bytes behind one without a body', Buffer.from('HTTP/1.1 204 \r\n\r\nHTTP/1.1 200 OK'), /after its end/],
  ['a head that does not end', Buffer.from(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`), /head is longer/],
  ['no chunk', Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'), /"xyz" is no chunk's size/],
  ['a negative chunk', Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n'), /no chunk's size/],
  [
    'a long chunk',
    Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n'),
    /longer than it says/,
  ],
  [
    'a line between chunks that does not end',
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3${';x'.repeat(4_000)}`),
    /has no end/,
  ],
  ['another protocol', Buffer.from('220 ftp ready\r\n\r\n'), /begins with/],
])('%s: not understood', (_, bytes, says) => {
  const { reader } = expecting();
  expect(() => feed(reader, bytes)).toThrow(says);
});

test('what comes before anything was asked for is not understood', () => {
  expect(() => feed(new AnswerReader(), Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n'))).toThrow(/after its end/);
});
