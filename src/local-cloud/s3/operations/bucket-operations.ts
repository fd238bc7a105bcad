import { compareUtf8 } from '../../../utf8-order.js';
import { readDocument } from '../body/request-document.js';
import { pageSize } from '../parameters.js';
import { replyEmpty, replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import { readXml } from '../xml/read-xml.js';
import { bucketName, type Operation, type S3Context } from './operation.js';

/** Operations on buckets as such. */
export const BUCKET_OPERATIONS: readonly Operation[] = [
  {
    name: 'ListBuckets',
    on: 'service',
    method: 'GET',
    takes: ['prefix', 'max-buckets', 'continuation-token'],
    run: listBuckets,
  },
  { name: 'GetBucketLocation', on: 'bucket', method: 'GET', needs: ['location'], run: getBucketLocation },
  { name: 'CreateBucket', on: 'bucket', method: 'PUT', run: createBucket },
  { name: 'HeadBucket', on: 'bucket', method: 'HEAD', run: headBucket },
  { name: 'DeleteBucket', on: 'bucket', method: 'DELETE', run: deleteBucket },
];

/** The region whose buckets have no location constraint. */
const FIRST_REGION = 'us-east-1';

/** Owner of everything here: a stand-in has one account. */
export const OWNER = { ID: 'sluice-local-cloud', DisplayName: 'sluice-local-cloud' };

async function listBuckets(request: S3Request, { buckets }: S3Context): Promise<void> {
  const prefix = request.query.get('prefix');
  const after = Buffer.from(request.query.get('continuation-token') ?? '', 'base64url').toString();
  const size = request.query.has('max-buckets') ? pageSize(request.query, 'max-buckets') : Number.POSITIVE_INFINITY;
  const all = buckets.list().filter(({ name }) => name.startsWith(prefix ?? '') && compareUtf8(name, after) > 0);
  const page = all.slice(0, size);
  const last = page.length < all.length ? page.at(-1) : undefined;
  replyXml(request, 'ListAllMyBucketsResult', {
    Owner: OWNER,
    Buckets: {
      Bucket: page.map(({ name, createdMs, region }) => ({
        Name: name,
        CreationDate: new Date(createdMs).toISOString(),
        BucketRegion: region,
      })),
    },
    ContinuationToken: last && Buffer.from(last.name).toString('base64url'),
    Prefix: prefix,
  });
}

async function createBucket(request: S3Request, { buckets, region, now }: S3Context): Promise<void> {
  const document = await readDocument(request);
  const asked = document === '' ? undefined : readXml(document, 'CreateBucketConfiguration').text('LocationConstraint');
  const constraint = asked === '' ? undefined : asked;
  if (region === FIRST_REGION && constraint === FIRST_REGION) {
    throw new S3Error('InvalidLocationConstraint', 'The specified location-constraint is not valid', {
      details: { LocationConstraint: constraint },
    });
  }
  if (constraint !== (region === FIRST_REGION ? undefined : region)) {
    const message = `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`;
    throw new S3Error('IllegalLocationConstraintException', message);
  }
  const name = bucketName(request);
  await buckets.create(name, { createdMs: now(), region });
  replyEmpty(request, 200, { location: `/${name}` });
}

async function headBucket(request: S3Request, { buckets }: S3Context): Promise<void> {
  const { region } = buckets.get(bucketName(request));
  replyEmpty(request, 200, { 'x-amz-bucket-region': region });
}

async function getBucketLocation(request: S3Request, { buckets }: S3Context): Promise<void> {
  const { region } = buckets.get(bucketName(request));
  replyXml(request, 'LocationConstraint', { '#text': region === FIRST_REGION ? '' : region });
}

async function deleteBucket(request: S3Request, { buckets }: S3Context): Promise<void> {
  await buckets.delete(bucketName(request));
  replyEmpty(request, 204);
}
