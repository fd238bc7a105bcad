import { SluiceError } from '../../errors.js';
import type { ObjectInfo } from '../object-store.js';
import { runParallel } from '../run-parallel.js';
import { checkGcsKey, type GcsRequests, objectPath, urlOf } from './gcs-requests.js';
import { type GcsResource, infoOf, RESOURCE_FIELDS } from './gcs-resource.js';

/** One object's info; `undefined` without one, `NOT_FOUND` when it is the bucket that is missing. */
export async function headObject(
  requests: GcsRequests,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    const resource = await requests.send({ action: 'look up', key, signal }, ({ json }) =>
      json<GcsResource>({ method: 'GET', url: urlOf(requests, objectPath(key), { fields: RESOURCE_FIELDS }) }),
    );
    return infoOf(resource);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await checkBucket(requests, signal);
  return undefined;
}

/** Objects after a key, page by page. */
export async function* listObjects(
  requests: GcsRequests,
  prefix: string,
  { startAfter = '', signal }: { readonly startAfter?: string; readonly signal?: AbortSignal },
): AsyncGenerator<ObjectInfo, void, undefined> {
  let pageToken: string | undefined;
  do {
    const page = await requests.send({ action: 'list', signal }, ({ json }) => {
      const query = {
        prefix: prefix === '' ? undefined : prefix,
        startOffset: startAfter === '' ? undefined : startAfter,
        pageToken,
        maxResults: KEYS_PER_PAGE,
        fields: `nextPageToken,items(${RESOURCE_FIELDS})`,
      };
      return json<Page>({ method: 'GET', url: urlOf(requests, '/o', query) });
    });
    // The offset itself is listed too.
    for (const resource of page.items ?? []) if (resource.name !== startAfter) yield infoOf(resource);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

interface Page {
  readonly items?: readonly GcsResource[];
  readonly nextPageToken?: string;
}

/** Source: "Objects: list", Cloud Storage JSON API. */
const KEYS_PER_PAGE = 1_000;
const NAMED_FAILURES = 5;

/** Deletes keys, one a request, as many at a time as there are sockets: the API knows nothing that takes many. */
export async function deleteObjects(
  requests: GcsRequests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { bucket, concurrency } = requests.options;
  const distinct = [...new Set(keys)];
  for (const key of distinct) checkGcsKey(`delete from gs://${bucket}`, key);
  const results = await runParallel(distinct, { limit: concurrency, signal }, (key, stop) =>
    deleteOne(requests, key, stop),
  );
  if (results.some((result) => result?.error.code === 'NOT_FOUND')) await checkBucket(requests, signal);
  const failed = results.filter((result) => result !== undefined && result.error.code !== 'NOT_FOUND');
  const [first, ...others] = failed;
  if (first === undefined) return;
  const named = others.slice(0, NAMED_FAILURES - 1).map((failure) => JSON.stringify(failure?.key));
  const rest = others.length - named.length;
  const also = others.length === 0 ? '' : `; also ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  throw new SluiceError(first.error.code, `${first.error.message}${also}`, { cause: first.error.cause });
}

interface FailedKey {
  readonly key: string;
  readonly error: SluiceError;
}

/** What is the key's own fault is told of; what is the service's ends the others too. */
async function deleteOne(requests: GcsRequests, key: string, signal: AbortSignal): Promise<FailedKey | undefined> {
  try {
    await requests.send({ action: 'delete', key, signal }, ({ open }) =>
      open({ method: 'DELETE', url: urlOf(requests, objectPath(key)) }),
    );
    return undefined;
  } catch (error) {
    if (error instanceof SluiceError && error.class === 'usage') return { key, error };
    throw error;
  }
}

/** What is missing is said in words only; so the bucket is asked for itself. @throws {SluiceError} `NOT_FOUND` */
async function checkBucket(requests: GcsRequests, signal: AbortSignal | undefined): Promise<void> {
  // A listing needs no permission beyond those for objects.
  const url = urlOf(requests, '/o', { maxResults: 1, fields: 'nextPageToken' });
  await requests
    .send({ action: 'look up', signal }, ({ json }) => json<Page>({ method: 'GET', url }))
    .catch((error: unknown) => {
      if (!(error instanceof SluiceError) || error.code !== 'ACCESS_DENIED') throw error;
    });
}

function isMissing(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'NOT_FOUND';
}
