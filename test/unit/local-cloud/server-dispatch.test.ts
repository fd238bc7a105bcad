import { describe, expect, test } from 'vitest';
import { serviceOf } from '../../../src/local-cloud/service-of.js';

const signedFor = (service: string): { authorization: string } => ({
  authorization: `AWS4-HMAC-SHA256 Credential=K/20270101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

describe('serviceOf', () => {
  test.each([
    ['a path of Lambda signed for S3', 's3', signedFor('s3'), '/2015-03-31/functions/f'],
    ['any path signed for Lambda', 'lambda', signedFor('lambda'), '/bucket/key'],
    [
      'a presigned URL of S3',
      's3',
      {},
      '/2015-03-31/functions/f?X-Amz-Credential=K%2F20270101%2Fus-east-1%2Fs3%2Faws4_request',
    ],
    ['a presigned URL of Lambda', 'lambda', {}, '/x?X-Amz-Credential=K%2F20270101%2Fus-east-1%2Flambda%2Faws4_request'],
    ['an unsigned path of Lambda', 'lambda', {}, '/2015-03-31/functions/f/invocations'],
    ['an unsigned path of a bucket', 's3', {}, '/2015-03-31/other'],
    ['the root', 's3', {}, '/'],
    ['a resource of the JSON API', 'gcs', {}, '/storage/v1/b/bucket/o/key?alt=media'],
    ['an upload of the JSON API', 'gcs', {}, '/upload/storage/v1/b/bucket/o?uploadType=media'],
    ['an upload of gcloud', 'gcs', {}, '/resumable/upload/storage/v1/b/bucket/o?uploadType=resumable'],
    ['a download of the JSON API', 'gcs', {}, '/download/storage/v1/b/bucket/o/key'],
    ['a resource without its prefix, as emulators get it', 'gcs', {}, '/b/bucket/o'],
    ['the list of buckets', 'gcs', {}, '/storage/v1/b?project=p'],
    ["Google's tokens", 'gcs', {}, '/token'],
    ["any path with one of Google's tokens", 'gcs', { authorization: 'Bearer x' }, '/bucket/key'],
    ["any path with one of Google's headers", 'gcs', { 'x-goog-api-client': 'x' }, '/bucket/key'],
    ['a signed URL of Cloud Storage', 'gcs', {}, '/bucket/key?X-Goog-Algorithm=a&X-Goog-Signature=00'],
    ['a bucket that is called like them', 's3', signedFor('s3'), '/storage/v1/b/key'],
    ['a bucket whose name begins alike', 's3', {}, '/bucket/o'],
  ])('%s goes to %s', (_title, service, headers, url) => {
    expect(serviceOf({ headers, url })).toBe(service);
  });
});
