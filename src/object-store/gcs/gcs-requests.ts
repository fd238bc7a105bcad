import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import { checkKey } from '../check-request.js';
import { PartBuffers } from '../part-buffers.js';
import { retrying } from '../retry-policy.js';
import { transferLimitOf } from '../transfer-limit.js';
import { type GcsCall, type GcsClient, openGcsClient } from './gcs-client.js';
import {
  askedWaitMs,
  type GcsSubject,
  httpErrorOf,
  isTransient,
  loadToldBy,
  nameOf,
  toSluiceError,
} from './gcs-errors.js';
import type { ResolvedGcsStoreOptions } from './gcs-options.js';

/** One attempt of a request: sends calls, and rejects with a GcsHttpError where the answer is one. */
export interface GcsAttempt {
  /** The answer of a call. */
  open(call: GcsCall, options?: OpenOptions): Promise<Answer>;
  /** The resource that a call is answered with; `undefined` where there is none. */
  json<T>(call: GcsCall): Promise<T>;
}

export interface OpenOptions {
  /** Statuses that are answers like any good one. */
  readonly also?: readonly number[];
  /** Ends the answer's body, however long it is read. */
  readonly lasting?: AbortSignal | undefined;
}

export interface RequestSubject {
  readonly action: string;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `content`: it is one of the transfers of which its destination takes so many at a time. Default: it is not. */
  readonly carries?: 'content' | undefined;
}

/** Sends requests about one bucket: retried by the store's policy, failing with SluiceErrors only. */
export interface GcsRequests {
  readonly options: ResolvedGcsStoreOptions;
  /** Memory for what is uploaded in parts. */
  readonly buffers: PartBuffers;
  send<T>(subject: RequestSubject, run: (attempt: GcsAttempt) => Promise<T>): Promise<T>;
  /** The client, for what is no request. */
  client(): Promise<GcsClient>;
  close(): Promise<void>;
}

/** {@link GcsRequests} over one lazily opened client. */
export function createGcsRequests(options: ResolvedGcsStoreOptions): GcsRequests {
  let opening: Promise<GcsClient> | undefined;
  const { bucket, concurrency, endpoint, retry } = options;
  // All of Google's buckets have one origin.
  const transfers = transferLimitOf(`${endpoint}/${bucket}`, concurrency).gateFor(loadToldBy);
  const client = () => (opening ??= openGcsClient(options));
  return {
    options,
    buffers: new PartBuffers(),
    client,
    async send({ action, key, signal, carries }, run) {
      signal?.throwIfAborted();
      const subject: GcsSubject = { action, bucket, key };
      if (key !== undefined) checkGcsKey(`${action} gs://${bucket}`, key);
      const opened = await client();
      const what = `${action} ${nameOf(subject)}`;
      try {
        const attempt = (limit: AbortSignal) => run(attemptOf(opened, limit));
        return await retrying(attempt, {
          policy: retry,
          isTransient,
          what,
          signal,
          askedWaitMs,
          gate: carries && transfers,
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw toSluiceError(error, subject);
      }
    },
    async close() {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

function attemptOf(client: GcsClient, signal: AbortSignal): GcsAttempt {
  const open: GcsAttempt['open'] = async (call, { also = [], lasting } = {}) => {
    const answer = await client.send(call, { signal, lasting });
    if ((answer.status >= 200 && answer.status < 300) || also.includes(answer.status)) return answer;
    throw await httpErrorOf(answer);
  };
  return {
    open,
    async json<T>(call: GcsCall): Promise<T> {
      return (await readJson(await open(call))) as T;
    },
  };
}

/** The resource that an answer's body holds; `undefined` when it holds nothing. */
export async function readJson({ body }: Answer): Promise<unknown> {
  const text = await body.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new SluiceError('PROTOCOL', `the answer is not JSON: ${JSON.stringify(text.slice(0, 100))}`);
  }
}

/**
 * Refuses keys that Cloud Storage does not have. `.` and `..` must not reach a URL, where they would mean another
 * resource: the bucket. Source: "Object name requirements", Cloud Storage. @throws {SluiceError} `INVALID_OPTIONS`
 */
export function checkGcsKey(what: string, key: string): void {
  checkKey(what, key);
  if (!/[\r\n]/.test(key) && key !== '.' && key !== '..') return;
  const text = `Cloud Storage has no object ${JSON.stringify(key)}: a name has no line feed or carriage return, and is not . or ..`;
  throw new SluiceError('INVALID_OPTIONS', `${what}: ${text}`);
}

/** URL of the JSON API, or of its uploads. */
export function urlOf(
  { options }: GcsRequests,
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
  api: '' | '/upload' = '',
): string {
  const { endpoint, bucket, userProject } = options;
  const given = Object.entries({ ...query, userProject }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const search = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return `${endpoint}${api}/storage/v1/b/${encodeURIComponent(bucket)}${path}${search === '' ? '' : `?${search}`}`;
}

/** Path of an object, behind that of its bucket. */
export function objectPath(key: string): string {
  return `/o/${encodeURIComponent(key)}`;
}
