import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { sendContent } from '../../send-content.js';
import type { GcsRequest } from '../gcs-request.js';
import { checkForRead, PRECONDITION_PARAMETERS, parsePreconditions } from '../preconditions.js';
import { parseRange } from '../range.js';
import { replyJson } from '../reply.js';
import { etagOf, objectResource, STORAGE_CLASS } from '../resources.js';
import type { GcsBucket } from '../store/gcs-bucket.js';
import type { ObjectRecord } from '../store/gcs-object.js';
import { bucketOf, type GcsContext, generationOf, type Operation, objectName } from './operation.js';

const PLACE = { api: 'json', method: 'GET', path: 'b/:bucket/o/:object' } as const;
const TAKES = ['generation', ...PRECONDITION_PARAMETERS];

export const GET_OBJECT: Operation = { name: 'storage.objects.get', ...PLACE, takes: TAKES, run: getMetadata };

/** The same method of the API, when it is the object's bytes that are asked for. */
export const DOWNLOAD_OBJECT: Operation = {
  name: 'storage.objects.download',
  ...PLACE,
  needs: ['alt=media'],
  takes: TAKES,
  run: download,
};

async function getMetadata(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const record = bucket.get(objectName(request), generationOf(request));
  checkForRead(parsePreconditions(request.query), record);
  replyJson(request, objectResource(request.origin, bucket.name, record), { etag: etagOf(record) });
}

async function download(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const record = bucket.get(objectName(request), generationOf(request));
  checkForRead(parsePreconditions(request.query), record);
  await replyMedia(request, bucket, record);
}

/** Answers with an object's bytes, or with the range of them that is asked for; to HEAD with the head alone. */
export async function replyMedia(request: GcsRequest, bucket: GcsBucket, record: ObjectRecord): Promise<void> {
  const { response, headers, method } = request;
  const gunzips = record.facts.contentEncoding === 'gzip' && !/gzip/.test(headers.get('accept-encoding') ?? '');
  // What is decompressed on the way has no ranges. Source: "Transcoding of gzip-compressed files", Cloud Storage.
  const range = gunzips ? undefined : parseRange(headers.get('range'), record.size);
  const length = range === undefined ? record.size : range.end - range.start + 1;
  const held = bucket.data.hold(record.segments);
  try {
    response.writeHead(range === undefined ? 200 : 206, {
      ...mediaHeaders(record),
      ...(gunzips ? { 'content-encoding': 'identity', warning: '214 UploadServer gunzipped' } : {}),
      ...(gunzips ? {} : { 'content-length': String(length), 'accept-ranges': 'bytes' }),
      ...(range !== undefined && { 'content-range': `bytes ${range.start}-${range.end}/${record.size}` }),
    });
    if (method === 'HEAD') response.end();
    else if (gunzips) await pipeline(held.read(range), createGunzip(), response);
    else await sendContent(response, held, { range, length });
  } finally {
    await held.release();
  }
}

/** The `x-goog-…` headers are those of the object as it is stored, also with a range of it. */
function mediaHeaders(record: ObjectRecord): Record<string, string> {
  const { facts, size, generation, metageneration, crc32c, md5Hash, updatedMs } = record;
  const named = {
    'content-encoding': facts.contentEncoding,
    'content-disposition': facts.contentDisposition,
    'content-language': facts.contentLanguage,
    'cache-control': facts.cacheControl,
  };
  return {
    'content-type': facts.contentType ?? 'application/octet-stream',
    etag: etagOf(record),
    'last-modified': new Date(updatedMs).toUTCString(),
    'x-goog-generation': String(generation),
    'x-goog-metageneration': String(metageneration),
    'x-goog-hash': `crc32c=${crc32c}${md5Hash === undefined ? '' : `,md5=${md5Hash}`}`,
    'x-goog-storage-class': STORAGE_CLASS,
    'x-goog-stored-content-encoding': facts.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': String(size),
    ...metadataHeaders(facts.metadata ?? {}),
    ...Object.fromEntries(Object.entries(named).filter((pair): pair is [string, string] => pair[1] !== undefined)),
  };
}

function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  // Only what HTTP can carry: the JSON API takes names and values that it cannot.
  const sendable = Object.entries(metadata).filter(
    ([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  );
  return Object.fromEntries(sendable.map(([name, value]) => [`x-goog-meta-${name}`, value]));
}
