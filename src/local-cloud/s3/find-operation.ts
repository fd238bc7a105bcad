import { ACCESS_OPERATIONS } from './operations/access-operations.js';
import { BUCKET_OPERATIONS } from './operations/bucket-operations.js';
import { COMPLETE_MULTIPART_UPLOAD } from './operations/complete-multipart-upload.js';
import { COPY_OBJECT } from './operations/copy-object.js';
import { DELETE_OBJECT, DELETE_OBJECTS } from './operations/delete-objects.js';
import { GET_OBJECT, HEAD_OBJECT } from './operations/get-object.js';
import { LIFECYCLE_OPERATIONS } from './operations/lifecycle-operations.js';
import { LIST_OBJECTS, LIST_OBJECTS_V2 } from './operations/list-objects.js';
import { MULTIPART_OPERATIONS } from './operations/multipart-operations.js';
import type { Operation } from './operations/operation.js';
import { PUT_OBJECT } from './operations/put-object.js';
import { UPLOAD_PART, UPLOAD_PART_COPY } from './operations/upload-part.js';
import { notImplemented, S3Error } from './s3-error.js';
import { isSignatureParameter, type S3Request } from './s3-request.js';

type Asked = Pick<S3Request, 'address' | 'method' | 'query' | 'headers'>;

/** The operation a request asks for. What is not understood to the last parameter is refused, never half done. */
export function findOperation(request: Asked): Operation {
  const candidates = OPERATIONS.filter(({ on, method }) => on === request.address.kind && method === request.method);
  if (candidates.length === 0) {
    const message = 'The specified method is not allowed against this resource.';
    throw new S3Error('MethodNotAllowed', message, { details: { Method: request.method } });
  }
  const operation = candidates.find(
    ({ needs = [], needsHeader }) =>
      needs.every((name) => request.query.has(name)) && (needsHeader === undefined || request.headers.has(needsHeader)),
  );
  const understood = new Set([...(operation?.needs ?? []), ...(operation?.takes ?? []), 'x-id']);
  for (const name of request.query.keys()) {
    if (understood.has(name) || isSignatureParameter(name) || name.toLowerCase().startsWith('x-amz-')) continue;
    throw notImplemented(`query parameter ${name}`);
  }
  if (operation === undefined) throw notImplemented(`${request.method} on ${request.address.kind}`);
  refuseUnknownHeaders(request.headers);
  return operation;
}

/** Of those on the same kind and method, the more demanding first. */
const OPERATIONS: readonly Operation[] = [
  UPLOAD_PART_COPY,
  UPLOAD_PART,
  COPY_OBJECT,
  PUT_OBJECT,
  COMPLETE_MULTIPART_UPLOAD,
  ...MULTIPART_OPERATIONS,
  GET_OBJECT,
  HEAD_OBJECT,
  DELETE_OBJECT,
  DELETE_OBJECTS,
  ...LIFECYCLE_OPERATIONS,
  ...ACCESS_OPERATIONS,
  LIST_OBJECTS_V2,
  ...BUCKET_OPERATIONS,
  LIST_OBJECTS,
];

/** Names of all operations, as in the API reference. */
export const S3_OPERATION_NAMES: ReadonlySet<string> = new Set(OPERATIONS.map(({ name }) => name));

const UNDERSTOOD_HEADER =
  /^x-amz-(?:content-sha256|date|security-token|user-agent|decoded-content-length|trailer|sdk-checksum-algorithm|checksum-.+|meta-.*|copy-source(?:-range|-if-.+)?|metadata-directive|mp-object-size|request-payer|if-match-.+)$/;

/** Encryption, access control, tags, locks: to ignore them would be to claim what was not done. */
function refuseUnknownHeaders(headers: ReadonlyMap<string, string>): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-') || UNDERSTOOD_HEADER.test(name)) continue;
    if (name === 'x-amz-storage-class' && value === 'STANDARD') continue;
    throw notImplemented(name);
  }
}
