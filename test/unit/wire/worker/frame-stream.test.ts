import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, piecesOf } from '../../../../src/wire/worker/frame-stream.js';

test('messages of frames of any size arrive as they were, however the stream is cut', () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 0, max: 9_000 }).map((size) => new Uint8Array(size).fill(size)),
  );
  const messages = fc.array(fc.array(frame, { maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.flatMap(piecesOf));
        const received: number[][][] = [];
        const reader = new FrameReader((frames) => received.push(frames.map((one) => [...one])));
        for (let at = 0, turn = 0; at < bytes.byteLength; turn++) {
          const size = cuts[turn % cuts.length] as number;
          reader.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(received).toEqual(sent.map((frames) => frames.map((one) => [...one])));
      },
    ),
  );
});

test('large frames are pieces of their own, not copied', () => {
  const large = new Uint8Array(100_000);
  expect(piecesOf([new Uint8Array(10), large, new Uint8Array(10)])[1]).toBe(large);
});

test('what is no stream of messages is refused at once', () => {
  const reader = new FrameReader(() => {});
  expect(() => reader.push(Buffer.from('GET / HTTP/1.1'))).toThrow('out of step');
});
