/** An HTTP answer; names of headers are in lower case. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What stands at the start of received bytes: an answer and its length, or how many bytes there must be to try again. */
export type Parsed =
  | { readonly kind: 'whole'; readonly answer: HttpAnswer; readonly length: number }
  | { readonly kind: 'partial'; readonly needed: number };

/**
 * Parses the first HTTP/1.1 answer in `bytes`. Its body must have a Content-Length, as every answer of the Runtime API
 * of local-cloud has.
 *
 * @throws {Error} for anything else
 */
export function parseHttpAnswer(bytes: Buffer): Parsed {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return { kind: 'partial', needed: bytes.length + 1 };
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(lines.map(parseHeader));
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  const bodyLength = Number(headers['content-length']);
  if (!Number.isInteger(status) || !Number.isInteger(bodyLength)) {
    throw new Error(`the Runtime API's answer is not understood: ${statusLine}`);
  }
  const bodyStart = headEnd + 4;
  const length = bodyStart + bodyLength;
  if (bytes.length < length) return { kind: 'partial', needed: length };
  return { kind: 'whole', answer: { status, headers, body: bytes.subarray(bodyStart, length) }, length };
}

function parseHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
