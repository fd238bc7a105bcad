import { connect, type Socket } from 'node:net';
import { type HttpAnswer, parseHttpAnswer } from './http-answer.js';

/** One kept-alive connection to an HTTP server. */
export interface HttpConnection {
  /**
   * Sends a request and resolves with its answer. Requests need not wait for each other: what is sent in one turn
   * travels in one packet, and answers come in the order of their requests (RFC 9112, 9.3.2, "Pipelining").
   */
  send(method: 'GET' | 'POST', path: string, body?: string): Promise<HttpAnswer>;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Connects to `host:port` with the first request, and again after the server closed. Keeps the event loop alive only
 * while an answer is awaited. `node:http` takes more than a millisecond of CPU for an exchange in a process as young as
 * most execution environments are: it would be most of what an invocation costs.
 */
export function createHttpConnection(hostAndPort: string): HttpConnection {
  const { hostname: host, port } = new URL(`http://${hostAndPort}`);
  let open: { readonly socket: Socket; readonly waiting: Waiting[] } | undefined;

  const connected = (): NonNullable<typeof open> => {
    const socket = connect({ host, port: Number(port), noDelay: true });
    const waiting: Waiting[] = [];
    const read = createReader((answer) => {
      waiting.shift()?.resolve(answer);
      if (waiting.length === 0) socket.unref();
    });
    let failure = new Error('the Runtime API closed the connection');
    socket.on('data', (chunk) => {
      try {
        read(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      if (open?.socket === socket) open = undefined;
      for (const { reject } of waiting.splice(0)) reject(failure);
    });
    return { socket, waiting };
  };

  return {
    send(method, path, body = '') {
      open ??= connected();
      const { socket, waiting } = open;
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        socket.ref();
        socket.cork();
        socket.write(
          `${method} ${path} HTTP/1.1\r\nhost: ${hostAndPort}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
        process.nextTick(() => socket.uncork());
      });
    },
  };
}

/** A function that takes chunks as they come, and gives on whole answers. */
function createReader(onAnswer: (answer: HttpAnswer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let size = 0;
  let needed = 0;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    // Joined only when there is enough, so that a large body is not copied once per chunk.
    if (size < needed) return;
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (needed = 0; bytes.length > 0; ) {
      const parsed = parseHttpAnswer(bytes);
      if (parsed.kind === 'partial') {
        needed = parsed.needed;
        break;
      }
      bytes = bytes.subarray(parsed.length);
      onAnswer(parsed.answer);
    }
    chunks = bytes.length === 0 ? [] : [bytes];
    size = bytes.length;
  };
}
