import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import { parseBodyExpectation } from './body-expectation.js';
import { verifiedBody } from './verified-body.js';

/** The XML document a request carries, verified like any body; '' when there is none. */
export async function readDocument(request: S3Request): Promise<string> {
  const expectation = parseBodyExpectation(request.headers);
  if (expectation.size > LARGEST_DOCUMENT) throw new S3Error('EntityTooLarge', 'The document is too large.');
  const algorithm = expectation.checksum?.algorithm ?? 'CRC32';
  const chunks: Uint8Array[] = [];
  for await (const chunk of verifiedBody(request.body, { payload: request.payload, expectation, algorithm })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Like {@link readDocument}, for operations that demand a digest of the document. */
export async function readDigestedDocument(request: S3Request): Promise<string> {
  const { contentMd5, checksum } = parseBodyExpectation(request.headers);
  if (contentMd5 === undefined && checksum === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  return await readDocument(request);
}

/** 1,000 keys of 1,024 bytes, every one of which may be an entity of six. */
const LARGEST_DOCUMENT = 8 * 1024 * 1024;
