import type { IncomingMessage } from 'node:http';

/** The body of a request whose connection is reset when half of it has come. */
export async function* cutUpload(
  body: AsyncIterable<Uint8Array>,
  incoming: IncomingMessage,
): AsyncGenerator<Uint8Array> {
  let left = Math.floor(uploadLength(incoming) / 2);
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left > 0) continue;
    incoming.socket.resetAndDestroy();
    throw new Error('the connection was cut by a fault of the script');
  }
}

/** Bytes a request announces, framing included; 0 when it has no body. */
export function uploadLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : 1));
}
