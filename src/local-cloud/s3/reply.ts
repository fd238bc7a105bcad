import { writeErrorXml, writeXml, type XmlElements } from '../xml/write-xml.js';
import type { S3Error } from './s3-error.js';
import type { S3Request } from './s3-request.js';

type Headers = Readonly<Record<string, string>>;

/** Answers 200 with a document. */
export function replyXml(request: S3Request, root: string, content: XmlElements, headers: Headers = {}): void {
  const document = writeXml(root, content);
  request.response.writeHead(200, { ...headers, ...documentHeaders(document) }).end(document);
}

/** Answers without a body. */
export function replyEmpty(request: S3Request, status: 200 | 204, headers: Headers = {}): void {
  request.response.writeHead(status, status === 200 ? { ...headers, 'content-length': '0' } : headers).end();
}

/** Answers with an error document; to HEAD, and with 304, the status alone. */
export function replyError(
  request: Pick<S3Request, 'response' | 'requestId' | 'method'> & { readonly resource: string },
  error: S3Error,
): void {
  if (request.method === 'HEAD' || error.status === 304) {
    request.response.writeHead(error.status, { ...error.headers }).end();
    return;
  }
  const document = writeErrorXml({
    Code: error.code,
    Message: error.message,
    ...error.details,
    Resource: request.resource,
    RequestId: request.requestId,
    HostId: 'sluice-local-cloud',
  });
  request.response.writeHead(error.status, { ...error.headers, ...documentHeaders(document) }).end(document);
}

function documentHeaders(document: string): Headers {
  return { 'content-type': 'application/xml', 'content-length': String(Buffer.byteLength(document)) };
}
