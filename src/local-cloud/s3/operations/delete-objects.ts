import { readDigestedDocument } from '../body/request-document.js';
import { replyEmpty, replyXml } from '../reply.js';
import { notImplemented } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import { malformedXml, readXml, type XmlReader } from '../xml/read-xml.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';

export const DELETE_OBJECT: Operation = { name: 'DeleteObject', on: 'object', method: 'DELETE', run: deleteObject };

export const DELETE_OBJECTS: Operation = {
  name: 'DeleteObjects',
  on: 'bucket',
  method: 'POST',
  needs: ['delete'],
  run: deleteObjects,
};

/** Most keys one request may name. */
const MOST_KEYS = 1000;

async function deleteObject(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  for (const condition of ['if-match', 'x-amz-if-match-last-modified-time', 'x-amz-if-match-size']) {
    if (request.headers.has(condition)) throw notImplemented(`${condition} on a delete`);
  }
  await bucket.delete(objectKey(request));
  replyEmpty(request, 204);
}

async function deleteObjects(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const document = readXml(await readDigestedDocument(request), 'Delete');
  const keys = document.children('Object').map(keyOf);
  if (keys.length === 0 || keys.length > MOST_KEYS) throw malformedXml();
  // A key that never existed counts as deleted, too.
  for (const key of keys) await bucket.delete(key);
  const quiet = document.text('Quiet') === 'true';
  replyXml(request, 'DeleteResult', quiet ? {} : { Deleted: keys.map((key) => ({ Key: key })) });
}

function keyOf(object: XmlReader): string {
  const key = object.text('Key');
  if (key === undefined || key === '') throw malformedXml();
  const other = object.names.find((name) => name !== 'Key');
  if (other !== undefined) throw notImplemented(`<${other}> in a delete`);
  return key;
}
