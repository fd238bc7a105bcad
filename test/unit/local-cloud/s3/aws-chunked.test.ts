import { describe, expect, test } from 'vitest';
import { decodeAwsChunked, type StreamingPayload } from '../../../../src/local-cloud/s3/body/aws-chunked.js';

const UNSIGNED: StreamingPayload = { kind: 'streaming-unsigned-trailer' };

/** Content and trailer of a body that arrives in pieces of `step` bytes. */
async function decode(body: string, { step = 1, payload = UNSIGNED } = {}): Promise<[string, [string, string][]]> {
  const source = (async function* () {
    for (let at = 0; at < body.length; at += step) yield Buffer.from(body.slice(at, at + step));
  })();
  const decoded = decodeAwsChunked(source, payload);
  let content = '';
  let next = await decoded.next();
  for (; next.done !== true; next = await decoded.next()) content += Buffer.from(next.value).toString();
  return [content, [...next.value]];
}

describe('an aws-chunked body', () => {
  test.each([1, 2, 3, 7, 1000])('gives its content and trailer, however it is cut up (%i bytes)', async (step) => {
    const body = '5\r\nhello\r\nA\r\n0123\r\n6789\r\n0\r\nX-Amz-Checksum-Crc32:AAAAAA==\r\n\r\n';
    expect(await decode(body, { step })).toEqual(['hello0123\r\n6789', [['x-amz-checksum-crc32', 'AAAAAA==']]]);
  });

  test('may be empty', async () => {
    expect(await decode('0\r\n\r\n')).toEqual(['', []]);
  });

  test.each([
    ['is cut off', '5\r\nhel', 'IncompleteBody'],
    ['is cut off before its end', '5\r\nhello\r\n', 'IncompleteBody'],
    ['has a size that is none', 'zz\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['has a chunk longer than it says', '4\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['is not chunked at all', 'just some text\r\n', 'InvalidRequest'],
    ['has a line without end', 'a'.repeat(10_000), 'InvalidRequest'],
    ['has a trailer that is none', '0\r\nnonsense\r\n\r\n', 'MalformedTrailerError'],
  ])('that %s is refused', async (_, body, code) => {
    await expect(decode(body)).rejects.toMatchObject({ code });
  });

  test('with a wrong chunk or trailer signature is refused', async () => {
    const signed = (acceptChunk: boolean, acceptTrailer: boolean): StreamingPayload => ({
      kind: 'streaming-signed',
      withTrailer: true,
      chunks: { acceptChunk: () => acceptChunk, acceptTrailer: () => acceptTrailer },
    });
    const signature = 'a'.repeat(64);
    const body = `2;chunk-signature=${signature}\r\nhi\r\n0;chunk-signature=${signature}\r\na:b\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
    expect(await decode(body, { payload: signed(true, true) })).toMatchObject(['hi', [['a', 'b'], {}]]);
    await expect(decode(body, { payload: signed(false, true) })).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
    await expect(decode(body, { payload: signed(true, false) })).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
  });
});
