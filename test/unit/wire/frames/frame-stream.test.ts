import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, framesOf, piecesOf } from '../../../../src/wire/frames/frame-stream.js';

const frame = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 0, max: 9_000 }).map((size) => new Uint8Array(size).fill(size)),
);

test('messages of frames of any size arrive as they were, however the stream is cut', () => {
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

test('the rest of a frame that has begun may be read to where it stays', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(frame, { maxLength: 5 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 20 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.flatMap(piecesOf));
        const received: number[][][] = [];
        const reader = new FrameReader((frames) => received.push(frames.map((one) => [...one])));
        for (let at = 0, turn = 0; at < bytes.byteLength; turn++) {
          const { room } = reader;
          const most = Math.min(cuts[turn % cuts.length] as number, room?.byteLength ?? Number.POSITIVE_INFINITY);
          const chunk = bytes.subarray(at, at + most);
          at += chunk.byteLength;
          if (room === undefined) {
            reader.push(chunk);
          } else {
            room.set(chunk);
            reader.filled(chunk.byteLength);
          }
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

test('pieces that arrive as they were sent are frames again, and others are refused', () => {
  const plain = (frames: readonly Uint8Array[]) => frames.map((one) => [...one]);
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      const pieces = piecesOf(frames);
      expect(plain(framesOf(pieces))).toEqual(plain(frames));
      expect(() => framesOf([...pieces, new Uint8Array(1)])).toThrow('out of step');
      const [first] = pieces;
      expect(() => framesOf([(first as Uint8Array).subarray(0, -1), ...pieces.slice(1)])).toThrow('out of step');
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), (garbage) => {
      try {
        framesOf(garbage);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PROTOCOL' });
      }
    }),
  );
});

test('what is no stream of messages is refused at once', () => {
  const reader = new FrameReader(() => {});
  expect(() => reader.push(Buffer.from('GET / HTTP/1.1'))).toThrow('out of step');
});
