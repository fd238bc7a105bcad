import { GetObjectCommand, HeadBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { answerOf } from '../../unit/local-cloud/s3/s3-server.js';
import { type Row, type S3Place, statusOf } from './place.js';

/** Who may do what. */
export const ACCESS_ROWS = {
  'a presigned GET reads': {
    s3: '200',
    ask: async (place) => statusOf(await fetch(await urlOf(place, 'GET'))),
  },
  'a presigned GET whose signature was changed is refused': {
    s3: 'SignatureDoesNotMatch 403',
    ask: async (place) => {
      const url = await urlOf(place, 'GET');
      const signature = /X-Amz-Signature=([0-9a-f])/.exec(url)?.[1] === '0' ? '1' : '0';
      return statusOf(await fetch(url.replace(/(X-Amz-Signature=)./, `$1${signature}`)));
    },
  },
  'a presigned GET is no right to another object': {
    s3: 'SignatureDoesNotMatch 403',
    ask: async (place) => {
      await place.put('other', 'x');
      return statusOf(await fetch((await urlOf(place, 'GET')).replace('/signed?', '/other?')));
    },
  },
  'a presigned GET that has expired is refused': {
    s3: 'AccessDenied 403',
    ask: async (place) =>
      statusOf(await fetch(await urlOf(place, 'GET', { signingDate: new Date(Date.now() - 90_000) }))),
  },
  'a presigned PUT writes what its bearer sends': {
    s3: '200, then: sent',
    ask: async (place) => {
      const url = await urlOf(place, 'PUT');
      const answer = await statusOf(await fetch(url, { method: 'PUT', body: 'sent' }));
      return `${answer}, then: ${await place.get('signed')}`;
    },
  },
  // Source: aws/aws-sdk-js-v3 issue 6994.
  'a presigned PUT that carries the CRC32 of nothing takes nothing else': {
    s3: 'BadDigest 400',
    ask: async ({ client, Bucket }) => {
      const command = new PutObjectCommand({ Bucket, Key: 'signed-empty' });
      const url = await getSignedUrl(client, command, { expiresIn: 60 });
      return statusOf(await fetch(url, { method: 'PUT', body: 'not empty' }));
    },
  },
  'a wrong secret is refused': {
    s3: 'SignatureDoesNotMatch 403',
    ask: ({ newClient, credentials, Bucket }) => {
      const client = newClient({ credentials: { ...credentials, secretAccessKey: 'not-it' } });
      return answerOf(client.send(new ListObjectsV2Command({ Bucket })));
    },
  },
  'an unknown access key is refused': {
    s3: 'InvalidAccessKeyId 403',
    ask: ({ newClient, Bucket }) => {
      const client = newClient({ credentials: { accessKeyId: 'AKIANOBODYATALL', secretAccessKey: 'not-it' } });
      return answerOf(client.send(new ListObjectsV2Command({ Bucket })));
    },
  },
  'a request without a signature is refused': {
    s3: 'AccessDenied 403',
    ask: async ({ endpoint, Bucket, put }) => {
      await put('private', 'x');
      return statusOf(await fetch(`${endpoint}/${Bucket}/private`));
    },
  },
  'a bucket is found by its owner': {
    s3: 'ok',
    ask: ({ client, Bucket }) => answerOf(client.send(new HeadBucketCommand({ Bucket }))),
  },
} satisfies Record<string, Row>;

async function urlOf(place: S3Place, method: 'GET' | 'PUT', more: { signingDate?: Date } = {}): Promise<string> {
  const { Bucket, plain, put } = place;
  await put('signed', 'content');
  const input = { Bucket, Key: 'signed' };
  const command = method === 'GET' ? new GetObjectCommand(input) : new PutObjectCommand(input);
  return getSignedUrl(plain, command, { expiresIn: 60, ...more });
}
