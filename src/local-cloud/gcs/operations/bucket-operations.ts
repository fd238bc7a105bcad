import { compareUtf8 } from '../../../utf8-order.js';
import { type JsonObject, readJson } from '../body/json-body.js';
import { GcsError, invalidParameter, notImplemented } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import { wholeNumber } from '../preconditions.js';
import { replyEmpty, replyJson } from '../reply.js';
import { bucketResource, STORAGE_CLASS } from '../resources.js';
import type { BucketSettings } from '../store/gcs-bucket.js';
import { bucketOf, type GcsContext, type Operation } from './operation.js';

/** Operations on buckets as such. */
export const BUCKET_OPERATIONS: readonly Operation[] = [
  {
    name: 'storage.buckets.list',
    api: 'json',
    method: 'GET',
    path: 'b',
    takes: ['project', 'prefix', 'maxResults', 'pageToken'],
    run: listBuckets,
  },
  { name: 'storage.buckets.insert', api: 'json', method: 'POST', path: 'b', takes: ['project'], run: insertBucket },
  { name: 'storage.buckets.get', api: 'json', method: 'GET', path: 'b/:bucket', run: getBucket },
  {
    name: 'storage.buckets.getStorageLayout',
    api: 'json',
    method: 'GET',
    path: 'b/:bucket/storageLayout',
    run: getStorageLayout,
  },
  {
    name: 'storage.managedFolders.list',
    api: 'json',
    method: 'GET',
    path: 'b/:bucket/managedFolders',
    takes: ['prefix', 'pageSize', 'pageToken'],
    run: listManagedFolders,
  },
  { name: 'storage.buckets.patch', api: 'json', method: 'PATCH', path: 'b/:bucket', run: patchBucket },
  { name: 'storage.buckets.delete', api: 'json', method: 'DELETE', path: 'b/:bucket', run: deleteBucket },
];

/** Size of a page: at most, and by default, 1,000. @throws {GcsError} `invalidParameter` */
export function pageSize(query: ReadonlyMap<string, string>): number {
  const size = wholeNumber(query, 'maxResults') ?? LARGEST_PAGE;
  return size === 0 ? LARGEST_PAGE : Math.min(size, LARGEST_PAGE);
}

const LARGEST_PAGE = 1000;

async function listBuckets(request: GcsRequest, context: GcsContext): Promise<void> {
  const { query, origin } = request;
  if (!query.has('project')) throw requiredProject();
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString();
  const all = context.buckets
    .list()
    .filter(({ name }) => name.startsWith(query.get('prefix') ?? '') && compareUtf8(name, after) > 0);
  const page = all.slice(0, pageSize(query));
  const last = page.length < all.length ? page.at(-1) : undefined;
  replyJson(request, {
    kind: 'storage#buckets',
    ...(last !== undefined && { nextPageToken: Buffer.from(last.name).toString('base64url') }),
    items: await Promise.all(page.map((bucket) => bucketResource(origin, bucket))),
  });
}

async function insertBucket(request: GcsRequest, context: GcsContext): Promise<void> {
  if (!request.query.has('project')) throw requiredProject();
  const { name, location, storageClass, ...resource } = await readJson(request);
  if (typeof name !== 'string') throw new GcsError('required', 'Required');
  const settings = settingsIn(resource);
  const bucket = await context.buckets.create(name, {
    createdMs: context.now(),
    location: typeof location === 'string' ? location.toUpperCase() : 'US',
    storageClass: typeof storageClass === 'string' ? storageClass : STORAGE_CLASS,
  });
  if (Object.keys(settings).length > 0) await bucket.changeSettings(settings);
  replyJson(request, await bucketResource(request.origin, bucket));
}

async function getBucket(request: GcsRequest, context: GcsContext): Promise<void> {
  replyJson(request, await bucketResource(request.origin, bucketOf(request, context)));
}

/** Whether names are flat, as they always are here: gcloud asks before it moves or removes. */
async function getStorageLayout(request: GcsRequest, context: GcsContext): Promise<void> {
  const { name, location, locationType } = await bucketResource(request.origin, bucketOf(request, context));
  replyJson(request, { kind: 'storage#storageLayout', bucket: name, location, locationType });
}

/** There are none; gcloud asks when it empties a bucket. */
async function listManagedFolders(request: GcsRequest, context: GcsContext): Promise<void> {
  bucketOf(request, context);
  replyJson(request, { kind: 'storage#managedFolders', items: [] });
}

async function patchBucket(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const changed = { ...(await bucket.settings()), ...settingsIn(await readJson(request)) };
  await bucket.changeSettings(Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)));
  replyJson(request, await bucketResource(request.origin, bucket));
}

async function deleteBucket(request: GcsRequest, { buckets }: GcsContext): Promise<void> {
  await buckets.delete(request.names.bucket ?? '');
  replyEmpty(request, 204);
}

/** What is kept word for word; other settings are refused, not forgotten. */
function settingsIn(resource: JsonObject): BucketSettings {
  const known = new Set(['lifecycle', 'labels']);
  const harmless = new Set(['kind', 'projectNumber', 'iamConfiguration', 'locationType']);
  for (const name of Object.keys(resource)) {
    if (!known.has(name) && !harmless.has(name)) throw notImplemented(`the bucket's ${name}`);
  }
  return Object.fromEntries(Object.entries(resource).filter(([name]) => known.has(name)));
}

function requiredProject(): GcsError {
  return invalidParameter('project', 'Required parameter: project');
}
