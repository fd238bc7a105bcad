import type { ServerResponse } from 'node:http';
import { writeErrorXml } from '../xml/write-xml.js';
import { selectFields } from './fields.js';
import type { GcsError } from './gcs-error.js';
import type { GcsApi, GcsRequest } from './gcs-request.js';

type Headers = Readonly<Record<string, string>>;

/** Answers with a resource, or with what of it the request wants. */
export function replyJson(request: GcsRequest, resource: unknown, headers: Headers = {}): void {
  const document = JSON.stringify(selectFields(resource, request.query.get('fields')));
  request.response.writeHead(200, { ...headers, ...documentHeaders(document, JSON_TYPE) }).end(document);
}

/** Answers without a body. */
export function replyEmpty(request: GcsRequest, status: number, headers: Headers = {}): void {
  request.response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': '0' }).end();
}

/** Answers with an error as the API writes it; to HEAD, and with 304, the status alone. */
export function replyError(
  to: { readonly response: ServerResponse; readonly method: string; readonly api: GcsApi },
  error: GcsError,
): void {
  const { response } = to;
  if (to.method === 'HEAD' || error.status === 304) {
    response.writeHead(error.status, { ...error.headers }).end();
    return;
  }
  const [document, type] =
    to.api === 'xml' ? [xmlError(error), 'application/xml; charset=UTF-8'] : [jsonError(error), JSON_TYPE];
  response.writeHead(error.status, { ...error.headers, ...documentHeaders(document, type) }).end(document);
}

const JSON_TYPE = 'application/json; charset=UTF-8';

function jsonError({ status, reason, message, location }: GcsError): string {
  const place = location && { locationType: location.type, location: location.name };
  return JSON.stringify({
    error: { code: status, message, errors: [{ message, domain: 'global', reason, ...place }] },
  });
}

function xmlError({ xmlCode, message }: GcsError): string {
  return writeErrorXml({ Code: xmlCode, Message: message });
}

function documentHeaders(document: string, type: string): Headers {
  return { 'content-type': type, 'content-length': String(Buffer.byteLength(document)) };
}
