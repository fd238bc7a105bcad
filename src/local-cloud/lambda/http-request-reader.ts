/** An HTTP request, read whole. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  readonly body: Buffer;
  /** The client sends no other request on this connection. */
  readonly isLast: boolean;
}

/** What a reader tells, as it comes. */
export interface HttpRequestListener {
  onRequest(request: HttpRequest): void;
  /** The client waits for a `100 Continue` before it sends its body. */
  onExpect(): void;
}

type State =
  | { readonly kind: 'head' | 'chunkSize' | 'chunkEnd' | 'trailer' }
  | { readonly kind: 'body' | 'chunk'; missing: number };

interface Head extends Pick<HttpRequest, 'method' | 'target' | 'isLast'> {
  readonly headers: ReadonlyMap<string, string>;
}

const MOST_HEAD_BYTES = 64 * 1024;

/**
 * Reads the requests of one HTTP/1.1 connection: bodies with a Content-Length or in chunks (RFC 9112, 6 and 7), one
 * request after the other or several at once.
 */
export class HttpRequestReader {
  readonly #listener: HttpRequestListener;
  readonly #bodyLimitBytes: number;
  #rest: Buffer = Buffer.alloc(0);
  #state: State = { kind: 'head' };
  #head: Head | undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(listener: HttpRequestListener, { bodyLimitBytes }: { readonly bodyLimitBytes: number }) {
    this.#listener = listener;
    this.#bodyLimitBytes = bodyLimitBytes;
  }

  /** Takes bytes as they came. @throws {Error} for what is no HTTP request, or too large; nothing can be read then. */
  read(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** Whether it got any further with what it has. */
  #step(): boolean {
    const state = this.#state;
    switch (state.kind) {
      case 'body':
      case 'chunk':
        return this.#takeBody(state);
      case 'head': {
        const text = this.#take('\r\n\r\n');
        return text !== undefined && this.#begin(parseHead(text));
      }
      case 'chunkSize': {
        const line = this.#take('\r\n');
        return line !== undefined && this.#beginChunk(chunkSizeOf(line));
      }
      case 'chunkEnd':
        return this.#take('\r\n') !== undefined && this.#goTo({ kind: 'chunkSize' });
      case 'trailer': {
        const line = this.#take('\r\n');
        return line !== undefined && (line === '' ? this.#end() : true);
      }
    }
  }

  #begin(head: Head): boolean {
    this.#head = head;
    this.#body = [];
    this.#bodyBytes = 0;
    if (head.headers.get('expect')?.toLowerCase() === '100-continue') this.#listener.onExpect();
    if (head.headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return this.#goTo({ kind: 'chunkSize' });
    const missing = Number(head.headers.get('content-length') ?? 0);
    if (!Number.isInteger(missing) || missing < 0) throw new Error('the length of the body is not understood');
    return this.#expectBody({ kind: 'body', missing });
  }

  #beginChunk(missing: number): boolean {
    return missing === 0 ? this.#goTo({ kind: 'trailer' }) : this.#expectBody({ kind: 'chunk', missing });
  }

  #expectBody(state: State & { readonly missing: number }): boolean {
    this.#bodyBytes += state.missing;
    if (this.#bodyBytes > this.#bodyLimitBytes) throw new Error('the body is too large');
    return state.missing === 0 ? this.#end() : this.#goTo(state);
  }

  #takeBody(state: State & { missing: number }): boolean {
    if (this.#rest.length === 0) return false;
    const part = this.#rest.subarray(0, state.missing);
    this.#body.push(part);
    this.#rest = this.#rest.subarray(part.length);
    state.missing -= part.length;
    if (state.missing > 0) return false;
    return state.kind === 'body' ? this.#end() : this.#goTo({ kind: 'chunkEnd' });
  }

  #end(): boolean {
    const { method, target, isLast } = this.#head as Head;
    const body = this.#body.length === 1 ? (this.#body[0] as Buffer) : Buffer.concat(this.#body);
    this.#body = [];
    this.#goTo({ kind: 'head' });
    this.#listener.onRequest({ method, target, isLast, body });
    return true;
  }

  #goTo(state: State): boolean {
    this.#state = state;
    return true;
  }

  /** What stands before `end`, which is taken too; `undefined` until it is there. */
  #take(end: string): string | undefined {
    const at = this.#rest.indexOf(end);
    if (at === -1 && this.#rest.length > MOST_HEAD_BYTES) throw new Error('the head of the request is too large');
    if (at === -1) return undefined;
    const text = this.#rest.toString('latin1', 0, at);
    this.#rest = this.#rest.subarray(at + end.length);
    return text;
  }
}

function parseHead(text: string): Head {
  const [requestLine = '', ...lines] = text.split('\r\n');
  const [, method, target, minor] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) throw new Error(`no HTTP request: ${requestLine.slice(0, 100)}`);
  const headers = new Map(lines.map(parseHeader));
  return { method, target, headers, isLast: minor === '0' || headers.get('connection')?.toLowerCase() === 'close' };
}

function parseHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** Extensions of a chunk mean nothing to anybody here. */
function chunkSizeOf(line: string): number {
  const digits = /^[0-9a-f]+/i.exec(line)?.[0];
  if (digits === undefined) throw new Error(`no size of a chunk: ${line.slice(0, 100)}`);
  return Number.parseInt(digits, 16);
}
