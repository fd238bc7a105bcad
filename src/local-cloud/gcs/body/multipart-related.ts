import { GcsError } from '../gcs-error.js';

/** A body of `multipart/related`: an object resource, and behind it the object's bytes. */
export interface RelatedBody {
  /** The first part, as it was sent. */
  readonly resource: string;
  /** Type of the second part. */
  readonly mediaType: string | undefined;
  /** The second part, as it comes. */
  readonly media: AsyncGenerator<Uint8Array, void>;
}

/**
 * Reads the first part and the head of the second; its bytes are read as they are asked for.
 * Sources: RFC 2387; "Object uploads", Cloud Storage. @throws {GcsError} `badRequest`
 */
export async function readRelated(source: AsyncIterable<Uint8Array>, contentType: string): Promise<RelatedBody> {
  // The single quotes are gcloud's, which also ends lines by line feeds alone.
  const boundary = /^multipart\/\w+;.*\bboundary=(["']?)([^\s;"']+)\1/i.exec(contentType)?.[2];
  if (boundary === undefined) throw malformed('it has no boundary');
  // What stands before a boundary's line belongs to it; the first one may begin the body.
  const reader = new DelimitedReader(source, Buffer.from('\n'));
  await reader.collect(Buffer.from(`\n--${boundary}`), MOST_PREAMBLE);
  const lineEnd = (await readLine(reader)).endsWith('\r') ? '\r\n' : '\n';
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`);
  await readHead(reader);
  const resource = (await reader.collect(delimiter, MOST_RESOURCE)).toString('utf8');
  await readLine(reader);
  const mediaType = (await readHead(reader)).get('content-type');
  return { resource, mediaType, media: mediaOf(reader, delimiter) };
}

const LINE_FEED = Buffer.from('\n');
const MOST_PREAMBLE = 4096;
const MOST_HEADERS = 100;
const MOST_LINE = 16 * 1024;
const MOST_RESOURCE = 1024 * 1024;

/** A part's headers, of which there may be none, by lower-case name; reads the empty line behind them too. */
async function readHead(reader: DelimitedReader): Promise<ReadonlyMap<string, string>> {
  const headers = new Map<string, string>();
  for (let count = 0; count < MOST_HEADERS; count += 1) {
    const line = (await readLine(reader)).trimEnd();
    if (line === '') return headers;
    const [, name = '', value = ''] = /^([^:]*):\s*(.*)$/.exec(line) ?? [];
    headers.set(name.toLowerCase(), value);
  }
  throw malformed('a part of it has too many headers');
}

async function readLine(reader: DelimitedReader): Promise<string> {
  return (await reader.collect(LINE_FEED, MOST_LINE)).toString('latin1');
}

async function* mediaOf(reader: DelimitedReader, delimiter: Buffer): AsyncGenerator<Uint8Array, void> {
  yield* reader.until(delimiter);
  if ((await reader.rest(2)).toString('latin1') !== '--') throw malformed('it has more than two parts');
}

/** Pulls what stands before delimiters out of a stream of chunks, holding a chunk and a delimiter at a time. */
class DelimitedReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer;

  constructor(source: AsyncIterable<Uint8Array>, before: Buffer) {
    this.#source = source[Symbol.asyncIterator]();
    this.#held = before;
  }

  /** The bytes up to the next delimiter, which is taken away. */
  async *until(delimiter: Buffer): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const end = this.#held.indexOf(delimiter);
      if (end !== -1) {
        const last = this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end + delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // The end of what is held may be the beginning of a delimiter.
      const sure = Math.max(0, this.#held.length - delimiter.length + 1);
      if (sure > 0) yield this.#held.subarray(0, sure);
      this.#held = this.#held.subarray(sure);
      if (!(await this.#refill())) throw malformed('it ends too early');
    }
  }

  /** The same as one; more than `limit` bytes are refused. */
  async collect(delimiter: Buffer, limit: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.until(delimiter)) {
      pieces.push(piece);
      size += piece.length;
      if (size > limit) throw malformed('a part of it is too long');
    }
    return Buffer.concat(pieces);
  }

  /** So many bytes more, and then the stream to its end. */
  async rest(size: number): Promise<Buffer> {
    while (this.#held.length < size && (await this.#refill()));
    const wanted = this.#held.subarray(0, size);
    while ((await this.#source.next()).done !== true);
    return wanted;
  }

  async #refill(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    return true;
  }
}

function malformed(why: string): GcsError {
  return new GcsError('badRequest', `The body is not multipart/related as it must be: ${why}.`);
}
