import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** Writes `length` bytes of content as the body of an answer, and ends it: what is short in one go, without a stream. */
export async function sendContent(
  response: ServerResponse,
  content: AsyncGenerator<Uint8Array, void>,
  length: number,
): Promise<void> {
  if (length > SHORT_BYTES) return pipeline(content, response);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  response.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}

const SHORT_BYTES = 256 * 1024;
