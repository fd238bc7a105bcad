import type { IncomingMessage } from 'node:http';

/** Services of local-cloud. */
export type ServiceName = 's3' | 'lambda' | 'gcs';

/**
 * Which service a request is for: of AWS's, what its credential scope names (`Credential=KEY/DATE/REGION/SERVICE/aws4_request`,
 * in the header or the query of a presigned URL); Cloud Storage's by Google's tokens, headers and signed URLs; others
 * are told by their path.
 */
export function serviceOf({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): ServiceName {
  const scope =
    /Credential=[^,\s]*\/([^/,\s]+)\/aws4_request/.exec(headers.authorization ?? '') ??
    /[?&]X-Amz-Credential=[^&]*(?:%2F|\/)([^&/%]+)(?:%2F|\/)aws4_request/i.exec(url);
  if (scope !== null) return scope[1] === 'lambda' ? 'lambda' : 's3';
  if (isGoogles(headers, url)) return 'gcs';
  return /^\/20\d\d-\d\d-\d\d\/(functions|account-settings|event-source-mappings|layers|tags)(\/|\?|$)/.test(url)
    ? 'lambda'
    : 's3';
}

function isGoogles(headers: IncomingMessage['headers'], url: string): boolean {
  if (/^Bearer /i.test(headers.authorization ?? '') || /[?&]X-Goog-(?:Signature|Credential)=/.test(url)) return true;
  if (Object.keys(headers).some((name) => name.startsWith('x-goog-'))) return true;
  // No bucket of S3 has a name of one letter.
  return /^\/(?:(?:(?:resumable\/)?upload\/|download\/)?(?:storage\/v1\/)?b|token)(?:[/?]|$)/.test(url);
}
