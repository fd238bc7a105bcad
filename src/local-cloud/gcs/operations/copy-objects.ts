import { factsIn, type JsonObject, readJson } from '../body/json-body.js';
import { verifiedContent } from '../body/verified-content.js';
import { GcsError, invalidParameter, noSuchObject } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import {
  checkForRead,
  checkForWrite,
  PRECONDITION_PARAMETERS,
  parsePreconditions,
  wholeNumber,
} from '../preconditions.js';
import { replyJson } from '../reply.js';
import { objectResource } from '../resources.js';
import type { GcsBucket } from '../store/gcs-bucket.js';
import type { ObjectRecord } from '../store/gcs-object.js';
import { checkObjectName } from '../store/names.js';
import { bucketOf, type GcsContext, type Operation, objectName } from './operation.js';

const SOURCE_PARAMETERS = PRECONDITION_PARAMETERS.map((name) => name.replace('if', 'ifSource'));
const COPY = {
  api: 'json',
  method: 'POST',
  takes: [
    'sourceGeneration',
    'rewriteToken',
    'maxBytesRewrittenPerCall',
    ...SOURCE_PARAMETERS,
    ...PRECONDITION_PARAMETERS,
  ],
} as const;
const TO = 'b/:toBucket/o/:toObject';

/** Objects made of others, without their bytes passing through the client. */
export const COPY_OPERATIONS: readonly Operation[] = [
  { name: 'storage.objects.copy', ...COPY, path: `b/:bucket/o/:object/copyTo/${TO}`, run: copyObject },
  { name: 'storage.objects.rewrite', ...COPY, path: `b/:bucket/o/:object/rewriteTo/${TO}`, run: rewriteObject },
  {
    name: 'storage.objects.compose',
    api: 'json',
    method: 'POST',
    path: 'b/:bucket/o/:object/compose',
    takes: PRECONDITION_PARAMETERS,
    run: composeObject,
  },
];

/** Most objects that one request puts together. Source: "Composite objects", Cloud Storage. */
const MOST_SOURCES = 32;

async function copyObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const { record, bucket } = await copy(request, context);
  replyJson(request, objectResource(request.origin, bucket.name, record));
}

/** A rewrite is done at once, however large. */
async function rewriteObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const { record, bucket } = await copy(request, context);
  replyJson(request, {
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: String(record.size),
    objectSize: String(record.size),
    done: true,
    resource: objectResource(request.origin, bucket.name, record),
  });
}

async function copy(request: GcsRequest, context: GcsContext): Promise<{ bucket: GcsBucket; record: ObjectRecord }> {
  const { query, names } = request;
  const source = bucketOf(request, context);
  const found = source.get(objectName(request), wholeNumber(query, 'sourceGeneration'));
  checkForRead(parsePreconditions(query, 'ifSource'), found);
  const key = names.toObject ?? '';
  checkObjectName(key);
  const bucket = context.buckets.get(names.toBucket ?? '');
  const conditions = parsePreconditions(query);
  checkForWrite(conditions, bucket.find(key));
  const resource = await readJson(request);
  const facts = Object.keys(resource).length === 0 ? found.facts : factsIn(resource);
  const { segment, crc32c, md5Hash, size } = await copyBytes(bucket, [{ bucket: source, record: found }]);
  // What was put together has no MD5, wherever it is copied.
  const md5 = found.md5Hash === undefined ? {} : { md5Hash };
  const object = { key, facts, segments: [segment], size, crc32c, ...md5 };
  return { bucket, record: await bucket.put(object, conditions, context.now()) };
}

async function composeObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const key = objectName(request);
  checkObjectName(key);
  const conditions = parsePreconditions(request.query);
  checkForWrite(conditions, bucket.find(key));
  const { sourceObjects, destination } = await readJson(request);
  const sources = sourcesIn(sourceObjects, bucket);
  const facts = factsIn((destination ?? {}) as JsonObject);
  const contentType = facts.contentType ?? sources[0]?.facts.contentType;
  const { segment, crc32c, size } = await copyBytes(
    bucket,
    sources.map((record) => ({ bucket, record })),
  );
  const record = await bucket.put(
    {
      key,
      facts: { ...facts, ...(contentType !== undefined && { contentType }) },
      segments: [segment],
      size,
      crc32c,
      componentCount: sources.reduce((sum, { componentCount = 1 }) => sum + componentCount, 0),
    },
    conditions,
    context.now(),
  );
  replyJson(request, objectResource(request.origin, bucket.name, record));
}

function sourcesIn(given: unknown, bucket: GcsBucket): ObjectRecord[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new GcsError('required', 'You must provide at least one source component.');
  }
  if (given.length > MOST_SOURCES) {
    throw new GcsError(
      'invalid',
      `The number of source components provided (${given.length}) exceeds the maximum (${MOST_SOURCES})`,
    );
  }
  return given.map((one: JsonObject) => {
    const { name, generation, objectPreconditions } = one;
    if (typeof name !== 'string') throw invalidParameter('sourceObjects', 'A source object needs a name');
    const wanted = new Map(
      Object.entries((objectPreconditions ?? {}) as JsonObject).map(([condition, value]) => [condition, String(value)]),
    );
    const record = bucket.find(name);
    if (record === undefined || (generation !== undefined && String(generation) !== String(record.generation))) {
      throw noSuchObject(bucket.name, name);
    }
    checkForRead(parsePreconditions(wanted), record);
    return record;
  });
}

/** New data of one bucket, with the bytes of all these objects in a row. */
async function copyBytes(
  to: GcsBucket,
  sources: readonly { readonly bucket: GcsBucket; readonly record: ObjectRecord }[],
): Promise<{ segment: ObjectRecord['segments'][number]; size: number; crc32c: string; md5Hash: string }> {
  const held = sources.map(({ bucket, record }) => bucket.data.hold(record.segments));
  try {
    const bytes = async function* () {
      for (const one of held) yield* one.read();
    };
    const { segment, facts } = await to.data.write(verifiedContent(bytes(), { sums: {} }));
    return { segment, ...facts };
  } finally {
    for (const one of held) await one.release();
  }
}
