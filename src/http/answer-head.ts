import { badAnswer } from './http-failure.js';

/** What stands before an answer's body. */
export interface AnswerHead {
  readonly status: number;
  /** Names in lower case; values of one that came several times are joined by commas. */
  readonly headers: AnswerHeaders;
  /** Where the body ends: after so many bytes, after the last of its chunks, or with the connection. */
  readonly length: number | 'chunked' | 'rest';
  /** Whether the connection can carry another request. */
  readonly staysOpen: boolean;
}

export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/**
 * Parses the head of an HTTP/1.1 answer, up to its empty line. Source: RFC 9112, 4, 5, 6.3 and 9.3.
 *
 * @param method that of the request: answers to some have no body, whatever they announce
 * @throws {HttpFailure} `BAD_ANSWER`
 */
export function parseAnswerHead(text: string, method: string): AnswerHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, minor, digits] = /^HTTP\/1\.([01]) (\d{3})( |$)/.exec(statusLine) ?? [];
  if (digits === undefined) throw badAnswer(`it begins with ${JSON.stringify(statusLine.slice(0, 40))}`);
  const status = Number(digits);
  const headers = parseHeaders(lines);
  const connection = (headers.connection ?? '').toLowerCase();
  const staysOpen = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  const length = hasNoBody(method, status) ? 0 : lengthIn(headers);
  return { status, headers, length, staysOpen: staysOpen && length !== 'rest' };
}

function parseHeaders(lines: readonly string[]): AnswerHeaders {
  // Without a prototype, whose names are none of headers.
  const headers: Record<string, string | undefined> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon <= 0 || !NAME.test(name)) throw badAnswer(`the header ${JSON.stringify(line.slice(0, 40))} has no name`);
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || status < 200;
}

function lengthIn(headers: AnswerHeaders): AnswerHead['length'] {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return 'chunked';
    throw badAnswer(`its transfer coding ${JSON.stringify(coding)} is not known`);
  }
  const announced = headers['content-length'];
  if (announced === undefined) return 'rest';
  const length = /^\d+$/.test(announced) ? Number(announced) : Number.NaN;
  if (Number.isSafeInteger(length)) return length;
  throw badAnswer(`its length ${JSON.stringify(announced)} is none`);
}
