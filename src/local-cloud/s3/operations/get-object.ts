import { sendContent } from '../../send-content.js';
import type { ByteRange } from '../../store/data-files.js';
import { checkReadConditions, validators } from '../conditions.js';
import { isHeaderValue, replyObjectHeaders } from '../object-headers.js';
import { integerParameter, invalidArgument } from '../parameters.js';
import { parseRange } from '../range.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { ObjectRecord } from '../store/object-record.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';
import { checksumHeaders } from './put-object.js';

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const;

const TAKES = ['partNumber', ...OVERRIDES.map((name) => `response-${name}`)];

export const GET_OBJECT: Operation = { name: 'GetObject', on: 'object', method: 'GET', takes: TAKES, run: getObject };
export const HEAD_OBJECT: Operation = {
  name: 'HeadObject',
  on: 'object',
  method: 'HEAD',
  takes: TAKES,
  run: headObject,
};

async function headObject(request: S3Request, { buckets }: S3Context): Promise<void> {
  const record = buckets.get(bucketName(request)).get(objectKey(request));
  const { status, headers } = describe(request, record);
  request.response.writeHead(status, headers).end();
}

async function getObject(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const record = bucket.get(objectKey(request));
  const { status, headers, range, length } = describe(request, record);
  const held = bucket.data.hold(record.segments);
  try {
    request.response.writeHead(status, headers);
    await sendContent(request.response, held, { range, length });
  } finally {
    await held.release();
  }
}

interface Description {
  readonly status: 200 | 206;
  readonly headers: Record<string, string>;
  /** Of the body that belongs to it, in bytes. */
  readonly length: number;
  readonly range?: ByteRange;
}

function describe(request: S3Request, record: ObjectRecord): Description {
  checkReadConditions(request.headers, record);
  const part = request.query.has('partNumber') ? partRange(request, record) : undefined;
  const range = part ?? parseRange(request.headers.get('range'), record.size);
  const length = range === undefined ? record.size : range.end - range.start + 1;
  const headers: Record<string, string> = {
    ...replyObjectHeaders(record),
    ...overrides(request),
    ...validators(record),
    'accept-ranges': 'bytes',
    'content-length': String(length),
  };
  if (part !== undefined) headers['x-amz-mp-parts-count'] = String(record.segments.length);
  if (range !== undefined) {
    headers['content-range'] = `bytes ${range.start}-${range.end}/${record.size}`;
    return { status: 206, headers, range, length };
  }
  // The checksum is of the whole object: with a part of it, a client would find it wrong.
  if (request.headers.get('x-amz-checksum-mode') === 'ENABLED')
    Object.assign(headers, checksumHeaders(record.checksum));
  return { status: 200, headers, length };
}

/** Where a part lies; an object of one piece is one part. */
function partRange(request: S3Request, record: ObjectRecord): ByteRange | undefined {
  if (request.headers.has('range')) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  const number = integerParameter(request.query, 'partNumber', { least: 1, most: 10_000 });
  const size = record.segments[number - 1]?.size;
  if (size === undefined) throw new S3Error('InvalidRange', 'The requested partnumber is not satisfiable');
  if (record.size === 0) return undefined;
  const start = record.segments.slice(0, number - 1).reduce((sum, segment) => sum + segment.size, 0);
  return { start, end: start + size - 1 };
}

function overrides(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!isHeaderValue(value)) throw invalidArgument(`response-${name}`, value, 'Not the value of a header');
    headers[name] = value;
  }
  return headers;
}
