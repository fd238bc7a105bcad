import type { IncomingMessage } from 'node:http';

/** Services of local-cloud. */
export type ServiceName = 's3' | 'lambda';

/**
 * Which service a request is for: what its credential scope names (`Credential=KEY/DATE/REGION/SERVICE/aws4_request`,
 * in the header or the query of a presigned URL); unsigned requests are told by their path.
 */
export function serviceOf({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): ServiceName {
  const scope =
    /Credential=[^,\s]*\/([^/,\s]+)\/aws4_request/.exec(headers.authorization ?? '') ??
    /[?&]X-Amz-Credential=[^&]*(?:%2F|\/)([^&/%]+)(?:%2F|\/)aws4_request/i.exec(url);
  if (scope !== null) return scope[1] === 'lambda' ? 'lambda' : 's3';
  return /^\/20\d\d-\d\d-\d\d\/(functions|account-settings|event-source-mappings|layers|tags)(\/|\?|$)/.test(url)
    ? 'lambda'
    : 's3';
}
