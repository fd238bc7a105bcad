import { type ExpectedSums, expectedInHeaders, expectedInResource } from '../body/expected-sums.js';
import { factsIn, type JsonObject, parseJson, readJson } from '../body/json-body.js';
import { readRelated } from '../body/multipart-related.js';
import { verifiedContent } from '../body/verified-content.js';
import { GcsError } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import {
  checkForWrite,
  PRECONDITION_PARAMETERS,
  type Preconditions,
  parsePreconditions,
  wholeNumber,
} from '../preconditions.js';
import { replyEmpty, replyJson } from '../reply.js';
import { objectResource } from '../resources.js';
import type { GcsBucket } from '../store/gcs-bucket.js';
import type { ObjectFacts, ObjectRecord } from '../store/gcs-object.js';
import { checkObjectName } from '../store/names.js';
import { bucketOf, type GcsContext, type Operation } from './operation.js';

const PLACE = { api: 'upload', method: 'POST', path: 'b/:bucket/o' } as const;
const TAKES = ['name', 'contentEncoding', ...PRECONDITION_PARAMETERS];

/** The three ways to write an object in the JSON API. Source: "Object uploads", Cloud Storage. */
export const INSERT_OPERATIONS: readonly Operation[] = [
  { name: 'storage.objects.insert', ...PLACE, needs: ['uploadType=media'], takes: TAKES, run: insertMedia },
  { name: 'storage.objects.insert', ...PLACE, needs: ['uploadType=multipart'], takes: TAKES, run: insertMultipart },
  { name: 'storage.objects.startUpload', ...PLACE, needs: ['uploadType=resumable'], takes: TAKES, run: startUpload },
];

async function insertMedia(request: GcsRequest, context: GcsContext): Promise<void> {
  const contentType = request.headers.get('content-type');
  const facts = factsIn({ contentType, contentEncoding: request.query.get('contentEncoding') });
  const content = { facts, sums: expectedInHeaders(request.headers), size: lengthOf(request), media: request.body };
  const record = await storeObject(bucketOf(request, context), nameIn(request, {}), content, {
    conditions: parsePreconditions(request.query),
    now: context.now,
  });
  replyJson(request, objectResource(request.origin, request.names.bucket ?? '', record));
}

async function insertMultipart(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const conditions = parsePreconditions(request.query);
  const { resource, mediaType, media } = await readRelated(request.body, request.headers.get('content-type') ?? '');
  const parsed = parseJson(resource);
  const facts = { ...(mediaType !== undefined && { contentType: mediaType }), ...factsIn(parsed) };
  const sums = { ...expectedInHeaders(request.headers), ...expectedInResource(parsed) };
  const record = await storeObject(
    bucket,
    nameIn(request, parsed),
    { facts, sums, media },
    { conditions, now: context.now },
  );
  replyJson(request, objectResource(request.origin, bucket.name, record));
}

async function startUpload(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const conditions = parsePreconditions(request.query);
  const resource = await readJson(request);
  const key = nameIn(request, resource);
  checkForWrite(conditions, bucket.find(key));
  const contentType = request.headers.get('x-upload-content-type');
  const size = wholeNumber(request.headers, 'x-upload-content-length');
  const session = await bucket.sessions.create({
    key,
    facts: { ...(contentType !== undefined && { contentType }), ...factsIn(resource) },
    conditions,
    expected: expectedInResource(resource),
    createdMs: context.now(),
    ...(size !== undefined && { size }),
  });
  const query = `uploadType=resumable&name=${encodeURIComponent(key)}&upload_id=${session.id}`;
  replyEmpty(request, 200, {
    location: `${request.origin}/upload/storage/v1/b/${bucket.name}/o?${query}`,
    'x-guploader-uploadid': session.id,
  });
}

/** Writes an object from one body: its content to the end first, then, if the conditions still hold, the object. */
export async function storeObject(
  bucket: GcsBucket,
  key: string,
  content: {
    readonly facts: ObjectFacts;
    readonly sums: ExpectedSums;
    readonly size?: number | undefined;
    readonly media: AsyncIterable<Uint8Array>;
  },
  how: { readonly conditions: Preconditions; readonly now: () => number },
): Promise<ObjectRecord> {
  checkForWrite(how.conditions, bucket.find(key));
  const { segment, facts } = await bucket.data.write(verifiedContent(content.media, content));
  return bucket.put({ key, facts: content.facts, segments: [segment], ...facts }, how.conditions, how.now());
}

/** Bytes the body has, where the client said so. */
export function lengthOf({ headers }: GcsRequest): number | undefined {
  return wholeNumber(headers, 'content-length');
}

/** The name of the object, which stands in the query or in the resource. @throws {GcsError} `required`, `invalid` */
function nameIn({ query }: GcsRequest, resource: JsonObject): string {
  const name = query.get('name') ?? resource.name;
  if (typeof name !== 'string') throw new GcsError('required', 'Required');
  if (typeof resource.name === 'string' && resource.name !== name) {
    const message = `Value '${resource.name}' in content does not agree with value '${name}'. This can happen when a value set through a parameter is inconsistent with a value set in the request.`;
    throw new GcsError('invalid', message);
  }
  checkObjectName(name);
  return name;
}
