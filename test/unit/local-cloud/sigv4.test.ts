import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type SigV4Options, verifySigV4 } from '../../../src/local-cloud/sigv4.js';

/** The keys and the day of the worked examples in the S3 API Reference. */
const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const NOW_MS = Date.UTC(2013, 4, 24, 0, 0, 0);
const EMPTY = createHash('sha256').update('').digest('hex');

const options = (more: Partial<SigV4Options> = {}): SigV4Options => ({
  credentials: (id) => (id === ACCESS_KEY ? SECRET : undefined),
  nowMs: NOW_MS,
  service: 's3',
  region: 'us-east-1',
  ...more,
});

const scope = `${ACCESS_KEY}/20130524/us-east-1/s3/aws4_request`;
const authorization = (names: string, signature: string) =>
  `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${names},Signature=${signature}`;

/** "Example: GET Object" of "Authenticating Requests: Using the Authorization Header". */
const GET_EXAMPLE = {
  method: 'GET',
  url: '/test.txt',
  headers: {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': '20130524T000000Z',
    authorization: authorization(
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  },
};

/** The example of "Authenticating Requests: Using Query Parameters". */
const PRESIGNED_EXAMPLE = {
  method: 'GET',
  url: `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
  headers: { host: 'examplebucket.s3.amazonaws.com' },
};

const codeOf = (
  request: { method: string; url: string; headers: IncomingHttpHeaders },
  more?: Partial<SigV4Options>,
) => {
  const verdict = verifySigV4(request, options(more));
  return verdict.kind === 'ok' ? 'ok' : `${verdict.code} ${verdict.status}`;
};
const changed = (headers: IncomingHttpHeaders) => ({ ...GET_EXAMPLE, headers: { ...GET_EXAMPLE.headers, ...headers } });

describe('a signature in the header', () => {
  test('of the published example is accepted', () => {
    expect(verifySigV4(GET_EXAMPLE, options())).toMatchObject({
      kind: 'ok',
      accessKeyId: ACCESS_KEY,
      service: 's3',
      region: 'us-east-1',
      via: 'header',
      payload: { kind: 'sha256', sha256: EMPTY },
    });
  });

  test.each([
    ['another method', { ...GET_EXAMPLE, method: 'PUT' }],
    ['another path', { ...GET_EXAMPLE, url: '/test.txt/' }],
    ['another query', { ...GET_EXAMPLE, url: '/test.txt?acl' }],
    ['another signed header', changed({ range: 'bytes=0-10' })],
    ['a signature of other characters', changed({ authorization: authorization('host', 'é'.repeat(64)) })],
  ])('does not stand for %s', (_, request) => {
    expect(codeOf(request as typeof GET_EXAMPLE)).toMatch(/^(SignatureDoesNotMatch|AccessDenied) 403$/);
  });

  test('is refused with a code that says why', () => {
    expect(codeOf(GET_EXAMPLE, { credentials: () => 'another secret' })).toBe('SignatureDoesNotMatch 403');
    expect(codeOf(GET_EXAMPLE, { credentials: () => undefined })).toBe('InvalidAccessKeyId 403');
    expect(codeOf(GET_EXAMPLE, { nowMs: NOW_MS + 16 * 60_000 })).toBe('RequestTimeTooSkewed 403');
    expect(codeOf(GET_EXAMPLE, { nowMs: NOW_MS - 16 * 60_000 })).toBe('RequestTimeTooSkewed 403');
    expect(codeOf(GET_EXAMPLE, { region: 'eu-west-1' })).toBe('AuthorizationHeaderMalformed 400');
    expect(codeOf(GET_EXAMPLE, { service: 'lambda' })).toBe('AuthorizationHeaderMalformed 400');
    expect(codeOf(GET_EXAMPLE, { bodySha256: 'f'.repeat(64) })).toBe('XAmzContentSHA256Mismatch 400');
    expect(codeOf(changed({ 'x-amz-meta-added': 'later' }))).toBe('AccessDenied 403');
    expect(codeOf(changed({ authorization: 'AWS AKIA:signature' }))).toBe('InvalidRequest 400');
    expect(codeOf(changed({ authorization: 'AWS4-HMAC-SHA256 nonsense' }))).toBe('AuthorizationHeaderMalformed 400');
    expect(codeOf(changed({ 'x-amz-date': 'yesterday' }))).toBe('AccessDenied 403');
    expect(codeOf({ method: 'GET', url: '/', headers: {} })).toBe('AccessDenied 403');
    expect(codeOf({ method: 'GET', url: '/?a=%zz', headers: {} })).toBe('InvalidURI 400');
  });
});

describe('a presigned URL', () => {
  test('of the published example is accepted until it expires', () => {
    expect(verifySigV4(PRESIGNED_EXAMPLE, options())).toMatchObject({
      kind: 'ok',
      via: 'query',
      payload: { kind: 'unsigned' },
    });
    expect(codeOf(PRESIGNED_EXAMPLE, { nowMs: NOW_MS + 86_400_000 })).toBe('ok');
    expect(codeOf(PRESIGNED_EXAMPLE, { nowMs: NOW_MS + 86_400_001 })).toBe('AccessDenied 403');
    expect(codeOf(PRESIGNED_EXAMPLE, { nowMs: NOW_MS - 16 * 60_000 })).toBe('AccessDenied 403');
  });

  test('that was tampered with is refused', () => {
    const tampered = (from: string, to: string) =>
      codeOf({ ...PRESIGNED_EXAMPLE, url: PRESIGNED_EXAMPLE.url.replace(from, to) });
    expect(tampered('/test.txt', '/other.txt')).toBe('SignatureDoesNotMatch 403');
    expect(tampered('Expires=86400', 'Expires=86401')).toBe('SignatureDoesNotMatch 403');
    expect(tampered('Expires=86400', 'Expires=604801')).toBe('AuthorizationQueryParametersError 400');
    expect(tampered('&X-Amz-Signature', '&extra=1&X-Amz-Signature')).toBe('SignatureDoesNotMatch 403');
    expect(tampered('Signature=a', 'Signature=b')).toBe('SignatureDoesNotMatch 403');
    expect(codeOf({ ...PRESIGNED_EXAMPLE, method: 'PUT' })).toBe('SignatureDoesNotMatch 403');
    const both = {
      ...PRESIGNED_EXAMPLE,
      headers: { ...PRESIGNED_EXAMPLE.headers, authorization: 'AWS4-HMAC-SHA256 x' },
    };
    expect(codeOf(both)).toBe('InvalidArgument 400');
  });
});

/** The example of "Transferring Payload in Multiple Chunks": 65,536 bytes, 1,024 bytes, and the end. */
test('the signatures of streamed chunks hold in their order only', () => {
  const request = {
    method: 'PUT',
    url: '/examplebucket/chunkObject.txt',
    headers: {
      host: 's3.amazonaws.com',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '66560',
      'content-length': '66824',
      authorization: authorization(
        'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
        '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ),
    },
  };
  const chunksOf = () => {
    const verdict = verifySigV4(request, options());
    if (verdict.kind !== 'ok' || verdict.payload.kind !== 'streaming-signed') throw new Error(JSON.stringify(verdict));
    return verdict.payload.chunks;
  };
  const sha = (size: number) => createHash('sha256').update('a'.repeat(size)).digest('hex');
  const first = 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648';
  const second = '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497';
  const end = 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9';
  const chunks = chunksOf();
  expect(chunks.acceptChunk(sha(65_536), first)).toBe(true);
  expect(chunks.acceptChunk(sha(1024), second)).toBe(true);
  expect(chunks.acceptChunk(sha(0), end)).toBe(true);
  expect(chunksOf().acceptChunk(sha(1024), second)).toBe(false);
  expect(chunksOf().acceptChunk(sha(65_535), first)).toBe(false);
});

test('services other than S3 sign the path encoded twice, and the hash of the body without a header', () => {
  const body = '{"a":1}';
  const path = '/2015-03-31/functions/arn%3Aaws%3Alambda/invocations';
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  const canonical = [
    'POST',
    path.replaceAll('%', '%25'),
    '',
    'host:h',
    'x-amz-date:20130524T000000Z',
    '',
    'host;x-amz-date',
    bodySha256,
  ];
  const text = [
    'AWS4-HMAC-SHA256',
    '20130524T000000Z',
    '20130524/us-east-1/lambda/aws4_request',
    createHash('sha256').update(canonical.join('\n')).digest('hex'),
  ].join('\n');
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const key = ['20130524', 'us-east-1', 'lambda', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${SECRET}`));
  const credential = scope.replace('/s3/', '/lambda/');
  const headers = {
    host: 'h',
    'x-amz-date': '20130524T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${hmac(key, text).toString('hex')}`,
  };
  const request = { method: 'POST', url: path, headers };
  expect(codeOf(request, { service: 'lambda', bodySha256 })).toBe('ok');
  expect(codeOf(request, { service: 'lambda', bodySha256: EMPTY })).toBe('SignatureDoesNotMatch 403');
});
