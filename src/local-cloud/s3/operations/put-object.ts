import { parseBodyExpectation } from '../body/body-expectation.js';
import { verifiedBody } from '../body/verified-body.js';
import { type Checksum, checksumHeader } from '../checksums/checksum.js';
import { parseWriteCondition, validators } from '../conditions.js';
import { parseObjectHeaders } from '../object-headers.js';
import { replyEmpty } from '../reply.js';
import type { S3Request } from '../s3-request.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';
import { storeObject } from './store-object.js';

export const PUT_OBJECT: Operation = { name: 'PutObject', on: 'object', method: 'PUT', run: putObject };

async function putObject(request: S3Request, { buckets, now }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const expectation = parseBodyExpectation(request.headers);
  // S3 sums up what came without a checksum by CRC64NVME ("Checking object integrity", User Guide).
  const algorithm = expectation.checksum?.algorithm ?? 'CRC64NVME';
  const record = await storeObject(
    bucket,
    {
      key: objectKey(request),
      condition: parseWriteCondition(request.headers),
      headers: parseObjectHeaders(request.headers),
      algorithm,
      now,
    },
    () => verifiedBody(request.body, { payload: request.payload, expectation, algorithm }),
  );
  replyEmpty(request, 200, { etag: validators(record).etag, ...checksumHeaders(record.checksum) });
}

/** The headers that give a checksum back. */
export function checksumHeaders({ algorithm, value, type }: Checksum): Record<string, string> {
  return { [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': type };
}
