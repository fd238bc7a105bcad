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
  ])('%s goes to %s', (_title, service, headers, url) => {
    expect(serviceOf({ headers, url })).toBe(service);
  });
});
