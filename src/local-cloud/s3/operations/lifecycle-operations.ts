import { readFile, rm } from 'node:fs/promises';
import { writeWholeFile } from '../../store/write-whole-file.js';
import { readDigestedDocument } from '../body/request-document.js';
import { replyEmpty } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import { malformedXml, readXml } from '../xml/read-xml.js';
import { bucketName, type Operation, type S3Context } from './operation.js';

/** Lifecycle rules of a bucket: kept and given back word for word, never applied. */
export const LIFECYCLE_OPERATIONS: readonly Operation[] = [
  { name: 'PutBucketLifecycleConfiguration', on: 'bucket', method: 'PUT', needs: ['lifecycle'], run: putLifecycle },
  { name: 'GetBucketLifecycleConfiguration', on: 'bucket', method: 'GET', needs: ['lifecycle'], run: getLifecycle },
  { name: 'DeleteBucketLifecycle', on: 'bucket', method: 'DELETE', needs: ['lifecycle'], run: deleteLifecycle },
];

async function putLifecycle(request: S3Request, context: S3Context): Promise<void> {
  const path = lifecyclePath(request, context);
  const document = await readDigestedDocument(request);
  if (readXml(document, 'LifecycleConfiguration').children('Rule').length === 0) throw malformedXml();
  await writeWholeFile(path, document);
  replyEmpty(request, 200);
}

async function getLifecycle(request: S3Request, context: S3Context): Promise<void> {
  const document = await readFile(lifecyclePath(request, context)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new S3Error('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist');
  });
  const headers = { 'content-type': 'application/xml', 'content-length': String(document.length) };
  request.response.writeHead(200, headers).end(document);
}

async function deleteLifecycle(request: S3Request, context: S3Context): Promise<void> {
  await rm(lifecyclePath(request, context), { force: true });
  replyEmpty(request, 204);
}

function lifecyclePath(request: S3Request, { buckets }: S3Context): string {
  return buckets.get(bucketName(request)).settingPath('lifecycle.xml');
}
