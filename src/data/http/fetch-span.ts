import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SluiceError } from '../../errors.js';
import { backOffMs } from '../../object-store/retry-policy.js';
import type { HttpAnswer } from './exchange.js';
import type { FileSink } from './file-sink.js';
import { brokenOff } from './http-failure.js';
import type { HttpRequests } from './http-requests.js';
import { partOf, type Representation, representationOf } from './representation.js';

/** A download under way. */
export interface Fetching {
  readonly requests: HttpRequests;
  /** The file's URL, and the one that redirects led to. */
  readonly url: string;
  readonly at: URL;
  /** What is done and with which file, for errors. */
  readonly what: string;
  /** The content that is wanted, as the first answer had it. */
  readonly representation: Representation;
  readonly sink: FileSink;
}

/** Bytes that one reader brings. */
export interface WantedSpan {
  readonly start: number;
  /** Where it ends (exclusive), for now; `Infinity` where nobody knows. */
  end(): number;
  /** Asks for more at the end. Whether there is more. */
  extend(): boolean;
  /** An answer whose body begins at `start`; without it, one is asked for. */
  readonly answer?: HttpAnswer | undefined;
  /** Whether a server that is busy is let alone. */
  readonly givesWay: boolean;
  /** Told how far all bytes have been written, when it ends, however it ends. */
  readonly onEnd?: (position: number) => void;
  readonly signal: AbortSignal;
}

/** The file must be fetched from its beginning again: what has come cannot be gone on with. */
export class StartAgainError extends SluiceError {
  constructor(what: string, why: string) {
    super('TRANSFER_FAILED', `${what}: ${why}`);
  }
}

/** A connection that broke too often. */
export class GaveUpError extends SluiceError {
  constructor(what: string, failures: number, cause: unknown) {
    super('TRANSFER_FAILED', `${what}: broke off ${failures} times in a row: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Writes a span of the file to the sink; a connection that breaks is taken up where it broke, and back-off begins anew
 * with every byte of progress.
 *
 * @throws {SluiceError} {@link StartAgainError}; {@link GaveUpError}; `TRANSFER_FAILED` when the file changed
 */
export async function fetchSpan(fetching: Fetching, span: WantedSpan): Promise<void> {
  const { what, requests } = fetching;
  const writer = fetching.sink.from(span.start);
  let { answer } = span;
  let failures = 0;
  try {
    for (;;) {
      const before = writer.position;
      let broken: SluiceError | undefined;
      try {
        answer ??= await openPart(fetching, span, writer.position);
        await copy(answer.body, writer, span);
      } catch (error) {
        span.signal.throwIfAborted();
        const failure = brokenOff(error, what);
        if (!failure.transient) throw failure.error;
        broken = failure.error;
      } finally {
        answer?.body.destroy();
        answer = undefined;
      }
      await writer.flush();
      if (broken === undefined && span.end() === Number.POSITIVE_INFINITY) return;
      if (writer.position >= span.end() && !span.extend()) return;
      failures = writer.position > before ? 0 : failures + 1;
      if (failures >= requests.options.retry.attempts) throw new GaveUpError(what, failures, broken);
      if (broken !== undefined) await pause(requests, failures + 1, span.signal);
    }
  } finally {
    // Only after a failure is there anything left, and that one counts more.
    await writer.flush().catch(() => undefined);
    span.onEnd?.(writer.position);
  }
}

async function copy(body: Readable, writer: ReturnType<FileSink['from']>, span: WantedSpan): Promise<void> {
  const stop = () => void body.destroy();
  span.signal.addEventListener('abort', stop, { once: true });
  try {
    span.signal.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      let room = span.end() - writer.position;
      while (room < chunk.length && span.extend()) room = span.end() - writer.position;
      const gathered = writer.append(chunk.subarray(0, room));
      if (gathered !== undefined) await gathered;
      if (room < chunk.length) return;
    }
  } finally {
    span.signal.removeEventListener('abort', stop);
  }
}

/** Asks for the bytes from `position` on, of the content that is wanted and no other. */
async function openPart(fetching: Fetching, span: WantedSpan, position: number): Promise<HttpAnswer> {
  const { what, representation } = fetching;
  const { validator } = representation;
  if (validator === undefined) {
    throw new StartAgainError(
      what,
      'broke off, and the server tells nothing by which a part of the file could be known',
    );
  }
  const end = span.end();
  const range = `bytes=${position}-${Number.isFinite(end) ? end - 1 : ''}`;
  const answer = await ask(fetching, span, { range, 'if-range': validator });
  const found = representationOf(answer.header);
  const part = answer.status === 206 ? partOf(answer.header('content-range')) : undefined;
  const problem = problemOf(answer, { found, part, position, wanted: representation });
  if (problem === undefined) return answer;
  answer.body.destroy();
  if (problem === 'no ranges')
    throw new StartAgainError(what, 'the server offers parts of the file, but gives all of it');
  const code = problem === 'changed' ? 'TRANSFER_FAILED' : 'PROTOCOL';
  const why =
    problem === 'changed'
      ? 'the file changed while it was being read'
      : 'the answer is another part than was asked for';
  throw new SluiceError(code, `${what}: ${why}`);
}

interface FoundPart {
  readonly found: Representation;
  readonly part: ReturnType<typeof partOf>;
  readonly position: number;
  readonly wanted: Representation;
}

function problemOf(
  { status }: HttpAnswer,
  { found, part, position, wanted }: FoundPart,
): 'changed' | 'no ranges' | 'wrong part' | undefined {
  if (status === 412 || status === 416) return 'changed';
  const sizeDiffers = found.size !== undefined && wanted.size !== undefined && found.size !== wanted.size;
  // A part may come without date or tag; then the server's word for If-Range counts.
  if (sizeDiffers || (found.tag !== '' && found.tag !== wanted.tag)) return 'changed';
  if (status === 200) return 'no ranges';
  return part?.start === position ? undefined : 'wrong part';
}

/** Asks where redirects led; should that have been for a while only, where they began. */
async function ask(
  { requests, url, at, what }: Fetching,
  { signal, givesWay }: WantedSpan,
  headers: Readonly<Record<string, string>>,
): Promise<HttpAnswer> {
  const request = { what, method: 'GET', url, signal, givesWay, headers, accepts: [200, 206, 412, 416] } as const;
  try {
    return await requests.send({ ...request, at });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  try {
    return await requests.send(request);
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'NOT_FOUND')) throw error;
    throw new SluiceError('TRANSFER_FAILED', `${what}: the file was removed while it was being read`, { cause: error });
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SluiceError && (error.code === 'NOT_FOUND' || error.code === 'ACCESS_DENIED');
}

async function pause({ options }: HttpRequests, failures: number, signal: AbortSignal): Promise<void> {
  await sleep(backOffMs(options.retry, failures), undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
