import { readDigestedDocument } from '../body/request-document.js';
import { replyEmpty, replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { BucketAccess } from '../store/bucket-access.js';
import { malformedXml, readXml } from '../xml/read-xml.js';
import { bucketName, type Operation, type S3Context } from './operation.js';

/** Who else may use a bucket, and who pays. */
export const ACCESS_OPERATIONS: readonly Operation[] = [
  { name: 'PutBucketPolicy', on: 'bucket', method: 'PUT', needs: ['policy'], run: putPolicy },
  { name: 'GetBucketPolicy', on: 'bucket', method: 'GET', needs: ['policy'], run: getPolicy },
  { name: 'DeleteBucketPolicy', on: 'bucket', method: 'DELETE', needs: ['policy'], run: deletePolicy },
  { name: 'PutBucketRequestPayment', on: 'bucket', method: 'PUT', needs: ['requestPayment'], run: putPayment },
  { name: 'GetBucketRequestPayment', on: 'bucket', method: 'GET', needs: ['requestPayment'], run: getPayment },
];

async function putPolicy(request: S3Request, context: S3Context): Promise<void> {
  const access = accessOf(request, context);
  await access.setPolicy(await readDigestedDocument(request));
  replyEmpty(request, 204);
}

async function getPolicy(request: S3Request, context: S3Context): Promise<void> {
  const { policyText: text } = accessOf(request, context);
  if (text === undefined) throw new S3Error('NoSuchBucketPolicy', 'The bucket policy does not exist');
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
  request.response.writeHead(200, headers).end(text);
}

async function deletePolicy(request: S3Request, context: S3Context): Promise<void> {
  await accessOf(request, context).removePolicy();
  replyEmpty(request, 204);
}

async function putPayment(request: S3Request, context: S3Context): Promise<void> {
  const access = accessOf(request, context);
  const payer = readXml(await readDigestedDocument(request), 'RequestPaymentConfiguration').text('Payer');
  if (payer !== 'Requester' && payer !== 'BucketOwner') throw malformedXml();
  await access.setPayer(payer);
  replyEmpty(request, 200);
}

async function getPayment(request: S3Request, context: S3Context): Promise<void> {
  const { requesterPays } = accessOf(request, context);
  replyXml(request, 'RequestPaymentConfiguration', { Payer: requesterPays ? 'Requester' : 'BucketOwner' });
}

function accessOf(request: S3Request, { buckets }: S3Context): BucketAccess {
  return buckets.get(bucketName(request)).access;
}
