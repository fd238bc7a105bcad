import { createHash, createHmac } from 'node:crypto';

/** Keys of an AWS account, or of a server that takes the same signatures. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request before it is signed. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'POST' | 'DELETE';
  /** As it is sent, percent-encoded once. */
  readonly path: string;
  /** As it is sent, percent-encoded, in the order of its names. */
  readonly query?: string | undefined;
  /** As they are sent, names in lower case; `host` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
}

/** Where a request is signed for. */
export interface SigningScope {
  readonly region: string;
  /** As a signature names it: `s3`, `lambda`. */
  readonly service: string;
  readonly credentials: AwsKeys;
}

/**
 * The headers of a request together with those that sign it: AWS Signature Version 4, in a header.
 *
 * Written here since the SDK's way to the same text takes longer than the transfer of a small object. Sources:
 * "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API Reference; "Create a
 * signed AWS API request", AWS IAM User Guide.
 */
export function signed(
  { method, path, query = '', headers, payloadHash }: UnsignedRequest,
  { region, service, credentials }: SigningScope,
  now: Date,
): Record<string, string> {
  const time = timeOf(now);
  const date = time.slice(0, 8);
  const all: Record<string, string> = { ...headers, 'x-amz-content-sha256': payloadHash, 'x-amz-date': time };
  if (credentials.sessionToken !== undefined) all['x-amz-security-token'] = credentials.sessionToken;
  const names = Object.keys(all).sort();
  const signedHeaders = names.join(';');
  let lines = '';
  for (const name of names) lines += `${name}:${withSingleSpaces(all[name] as string)}\n`;
  const canonical = `${method}\n${service === 's3' ? path : encodedAgain(path)}\n${query}\n${lines}\n${signedHeaders}\n${payloadHash}`;
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  const signature = createHmac('sha256', keyOf(credentials.secretAccessKey, [date, region, service, 'aws4_request']))
    .update(text)
    .digest('hex');
  all.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return all;
}

/** SHA-256 in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A key as it stands in a path: all but unreserved characters and `/` percent-encoded. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A query as it is sent and signed: encoded, in the order of its names. What is `undefined` is left out. */
export function queryOf(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return given
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map((pair) => pair.map((text) => encodeKey(text).replaceAll('/', '%2F')).join('='))
    .join('&');
}

let latest = { second: 0, text: '' };

/** As signatures write it, to the second: of many requests in one second it is made once. */
function timeOf(now: Date): string {
  const second = Math.floor(now.getTime() / 1_000);
  if (latest.second !== second) latest = { second, text: now.toISOString().replace(/[-:]|\.\d{3}/g, '') };
  return latest.text;
}

function withSingleSpaces(value: string): string {
  return /^\s|\s\s|[^\S ]|\s$/.test(value) ? value.trim().replace(/\s+/g, ' ') : value;
}

// All services but S3 sign the path as if what is sent were not encoded yet.
function encodedAgain(path: string): string {
  return path.replaceAll('%', '%25');
}

// Deriving a key takes four hashes; all requests of a day to one service need the same one.
const known = new Map<string, { readonly name: string; readonly key: Buffer }>();

function keyOf(secret: string, scope: readonly [string, string, string, string]): Buffer {
  const [, region, service] = scope;
  const name = `${scope.join('/')} ${secret}`;
  const place = `${region}/${service}`;
  const found = known.get(place);
  if (found?.name === name) return found.key;
  let key = Buffer.from(`AWS4${secret}`);
  for (const part of scope) key = createHmac('sha256', key).update(part).digest();
  known.set(place, { name, key });
  return key;
}
