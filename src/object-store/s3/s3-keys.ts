import { SluiceError } from '../../errors.js';
import { queryOf } from '../../http/aws-signature.js';
import { checkKey } from '../check-request.js';
import type { ObjectInfo } from '../object-store.js';
import { runParallel } from '../run-parallel.js';
import { deletionOf, pageIn, type SaidError, undeletedIn } from './s3-documents.js';
import { toSluiceError } from './s3-errors.js';
import { S3Failure } from './s3-failure.js';
import { infoOf } from './s3-read.js';
import type { S3Requests } from './s3-requests.js';
import { checksumOf } from './s3-write.js';

/** One object's info; `undefined` without one, `NOT_FOUND` when it is the bucket that is missing. */
export async function headObject(
  requests: S3Requests,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    const answer = await requests.send({ action: 'look up', key, signal }, ({ wire, abortSignal }) =>
      wire.send({ method: 'HEAD', key, signal: abortSignal }),
    );
    return infoOf(key, answer, Number(answer.headers['content-length'] ?? 0));
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'NOT_FOUND') throw error;
  }
  // The answer to HEAD has no body, so it does not say what is missing.
  await requests
    .send({ action: 'look up', signal }, ({ wire, abortSignal }) => wire.send({ method: 'HEAD', signal: abortSignal }))
    .catch((error: unknown) => {
      if (!(error instanceof SluiceError) || error.code !== 'ACCESS_DENIED') throw error;
    });
  return undefined;
}

/** Objects after a key, page by page. */
export async function* listObjects(
  requests: S3Requests,
  prefix: string,
  { startAfter, signal }: { readonly startAfter?: string; readonly signal?: AbortSignal },
): AsyncGenerator<ObjectInfo, void, undefined> {
  let token: string | undefined;
  do {
    const query = queryOf({
      'list-type': '2',
      // XML cannot carry every character a key may have.
      'encoding-type': 'url',
      prefix: prefix === '' ? undefined : prefix,
      'start-after': startAfter === '' ? undefined : startAfter,
      'continuation-token': token,
    });
    const page = await requests.send({ action: 'list', signal }, async ({ wire, abortSignal }) =>
      pageIn(await wire.ask({ method: 'GET', query, signal: abortSignal })),
    );
    yield* page.objects;
    token = page.next;
  } while (token !== undefined);
}

/** Deletes keys, up to a thousand a request. */
export async function deleteObjects(
  requests: S3Requests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const distinct = [...new Set(keys)];
  for (const key of distinct) checkKey(`delete from s3://${requests.options.bucket}`, key);
  const listable = distinct.filter((key) => !NOT_IN_XML.test(key));
  const batches: string[][] = distinct.filter((key) => NOT_IN_XML.test(key)).map((key) => [key]);
  for (let index = 0; index < listable.length; index += KEYS_PER_REQUEST) {
    batches.push(listable.slice(index, index + KEYS_PER_REQUEST));
  }
  const failed = await runParallel(batches, { limit: PARALLEL_BATCHES, signal }, (batch, stop) =>
    deleteBatch(requests, batch, stop),
  );
  const [first, ...others] = failed.flat();
  if (first === undefined) return;
  const named = others.slice(0, NAMED_FAILURES - 1).map((failure) => JSON.stringify(failure.key));
  const rest = others.length - named.length;
  const also = others.length === 0 ? '' : `; also ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  throw new SluiceError(first.error.code, `${first.error.message}${also}`, { cause: first.error.cause });
}

/** Source: DeleteObjects, Amazon S3 API Reference. */
const KEYS_PER_REQUEST = 1_000;
const PARALLEL_BATCHES = 4;
const NAMED_FAILURES = 5;

// Source: XML 1.0, production 2 (Char).
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

interface FailedKey {
  readonly key: string;
  readonly error: SluiceError;
}

async function deleteBatch(
  requests: S3Requests,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly FailedKey[]> {
  const { bucket } = requests.options;
  const [first = ''] = keys;
  if (NOT_IN_XML.test(first)) {
    await requests.send({ action: 'delete', key: first, signal }, ({ wire, abortSignal }) =>
      wire.send({ method: 'DELETE', key: first, signal: abortSignal }),
    );
    return [];
  }
  const body = Buffer.from(deletionOf(keys));
  const headers = { ...checksumOf(body), 'content-type': 'application/xml' };
  const failed = await requests.send({ action: 'delete from', signal }, async ({ wire, abortSignal }) =>
    undeletedIn(await wire.ask({ method: 'POST', query: 'delete=', headers, body, signal: abortSignal })),
  );
  return failed.map((said) => ({ key: said.key ?? '', error: deletionError(said, bucket) }));
}

function deletionError({ key = '', code = '', message = '' }: SaidError, bucket: string): SluiceError {
  const status = code === 'AccessDenied' ? 403 : 500;
  return toSluiceError(new S3Failure({ code, message, status }), { action: 'delete', bucket, key });
}
