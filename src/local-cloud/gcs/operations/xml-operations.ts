import { expectedInHeaders } from '../body/expected-sums.js';
import { factsIn } from '../body/json-body.js';
import type { GcsRequest } from '../gcs-request.js';
import { checkForRead, parseXmlPreconditions } from '../preconditions.js';
import { replyEmpty } from '../reply.js';
import { etagOf } from '../resources.js';
import { checkObjectName } from '../store/names.js';
import { replyMedia } from './get-object.js';
import { lengthOf, storeObject } from './insert-object.js';
import { bucketOf, type GcsContext, generationOf, type Operation, objectName } from './operation.js';

const PLACE = { api: 'xml', path: ':bucket/:object' } as const;

/** What signed URLs can be for. Source: "Object operations" of the XML API, Cloud Storage. */
export const XML_OPERATIONS: readonly Operation[] = [
  { name: 'xml.getObject', ...PLACE, method: 'GET', takes: ['generation'], run: getObject },
  { name: 'xml.headObject', ...PLACE, method: 'HEAD', takes: ['generation'], run: getObject },
  { name: 'xml.putObject', ...PLACE, method: 'PUT', run: putObject },
  { name: 'xml.deleteObject', ...PLACE, method: 'DELETE', takes: ['generation'], run: deleteObject },
];

async function getObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const record = bucket.get(objectName(request), generationOf(request));
  checkForRead(parseXmlPreconditions(request.headers), record);
  await replyMedia(request, bucket, record);
}

async function putObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const { headers } = request;
  const key = objectName(request);
  checkObjectName(key);
  const facts = factsInHeaders(headers);
  const content = { facts, sums: expectedInHeaders(headers), size: lengthOf(request), media: request.body };
  const how = { conditions: parseXmlPreconditions(headers), now: context.now };
  const record = await storeObject(bucket, key, content, how);
  replyEmpty(request, 200, {
    etag: etagOf(record),
    'x-goog-generation': String(record.generation),
    'x-goog-metageneration': String(record.metageneration),
    'x-goog-hash': `crc32c=${record.crc32c},md5=${record.md5Hash ?? ''}`,
    'x-goog-stored-content-length': String(record.size),
  });
}

async function deleteObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const conditions = parseXmlPreconditions(request.headers);
  await bucketOf(request, context).delete(objectName(request), generationOf(request), conditions);
  replyEmpty(request, 204);
}

/** What the headers of a write say of the object. */
export function factsInHeaders(headers: ReadonlyMap<string, string>): ReturnType<typeof factsIn> {
  const prefix = 'x-goog-meta-';
  const metadata = [...headers]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value] as const);
  return factsIn({
    contentType: headers.get('content-type'),
    contentEncoding: headers.get('content-encoding'),
    contentDisposition: headers.get('content-disposition'),
    contentLanguage: headers.get('content-language'),
    cacheControl: headers.get('cache-control'),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  });
}
