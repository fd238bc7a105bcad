import { describe, expect, test } from 'vitest';
import { readRelated } from '../../../../src/local-cloud/gcs/body/multipart-related.js';

const TYPE = 'multipart/related; boundary="b-1"';
const text = (resource: string, media: string) =>
  `--b-1\r\nContent-Type: application/json\r\n\r\n${resource}\r\n--b-1\r\nContent-Type:  text/x \r\nX: y\r\n\r\n${media}\r\n--b-1--`;

async function* cutAt(body: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(source: AsyncIterable<Uint8Array>, type = TYPE) {
  const { resource, mediaType, media } = await readRelated(source, type);
  const chunks: Uint8Array[] = [];
  for await (const chunk of media) chunks.push(chunk);
  return { resource, mediaType, media: Buffer.concat(chunks).toString() };
}

describe('a body of two parts', () => {
  // What looks like a boundary, and is none.
  const media = 'first\r\n--b-\r\n--b\r\n-b-1\r\n\r\nlast\r\n';

  test.each([1, 2, 3, 5, 7, 11, 64, 4096])('is read alike when it comes %i bytes at a time', async (size) => {
    expect(await read(cutAt(text('{"name":"x"}', media), size))).toEqual({
      resource: '{"name":"x"}',
      mediaType: 'text/x',
      media,
    });
  });

  test('may have nothing in it, a preamble, and an end that goes on', async () => {
    expect(await read(cutAt(`preamble\r\n${text('{}', '')}\r\nepilogue`, 9))).toEqual({
      resource: '{}',
      mediaType: 'text/x',
      media: '',
    });
    const plain = await read(cutAt(text('{}', 'x'), 100), 'multipart/related; type=a; boundary=b-1');
    expect(plain.media).toBe('x');
  });

  test('may have no headers, as Google’s client for Go writes it', async () => {
    const body = '--b-1\r\nContent-Type: application/json\r\n\r\n{}\r\n--b-1\r\n\r\nhello\r\n--b-1--\r\n';
    expect(await read(cutAt(body, 3))).toEqual({ resource: '{}', mediaType: undefined, media: 'hello' });
  });

  test('may have line feeds alone and quotes that are none, as gcloud writes it', async () => {
    const type = "multipart/related; boundary='b-1'";
    const lines = text('{}', 'CR\nof\r').replaceAll('\r\n', '\n');
    expect(await read(cutAt(lines, 5), type)).toEqual({ resource: '{}', mediaType: 'text/x', media: 'CR\nof\r' });
  });

  test.each([
    ['without a boundary in its type', text('{}', 'x'), 'multipart/related'],
    ['of another boundary', text('{}', 'x'), 'multipart/related; boundary=other'],
    ['that ends too early', text('{}', 'x').slice(0, -6), TYPE],
    ['of three parts', `${text('{}', 'x').slice(0, -2)}\r\n\r\nthird\r\n--b-1--`, TYPE],
    ['whose first part has no head', text('{}', 'x').replace('Content-Type: application/json\r\n\r\n', ''), TYPE],
    ['whose resource has no end', `--b-1\r\n\r\n${'x'.repeat(2 ** 21)}`, TYPE],
  ])('%s is refused', async (_, body, type) => {
    await expect(read(cutAt(body, 1024), type)).rejects.toMatchObject({ reason: 'badRequest' });
  });
});
