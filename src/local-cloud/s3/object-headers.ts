import { invalidArgument } from './parameters.js';
import { S3Error } from './s3-error.js';
import type { ObjectHeaders } from './store/object-record.js';

const METADATA = 'x-amz-meta-';

/** Most that names and values of user-defined metadata may come to, in bytes ("Working with object metadata", User Guide). */
const LARGEST_METADATA = 2048;

const SYSTEM_HEADERS = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'] as const;

/** What a request says of the object it writes. @throws {S3Error} `MetadataTooLarge`, `InvalidArgument` */
export function parseObjectHeaders(headers: ReadonlyMap<string, string>): ObjectHeaders {
  const system: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of SYSTEM_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') system[name] = value;
  }
  const encoding = storedEncoding(headers.get('content-encoding'));
  if (encoding !== '') system['content-encoding'] = encoding;
  return { system, metadata: parseMetadata(headers) };
}

/** The headers that give an object's own back. */
export function replyObjectHeaders({ system, metadata }: ObjectHeaders): Record<string, string> {
  const named = Object.entries(metadata).map(([name, value]): [string, string] => [METADATA + name, value]);
  return { ...system, ...Object.fromEntries(named) };
}

/** `aws-chunked` is how the body travelled, not how the object is encoded. */
function storedEncoding(header = ''): string {
  return header
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked')
    .join(',');
}

function parseMetadata(headers: ReadonlyMap<string, string>): Record<string, string> {
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const [header, value] of headers) {
    if (!header.startsWith(METADATA)) continue;
    const name = header.slice(METADATA.length);
    // A presigned URL may carry what no header can.
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !isHeaderValue(value)) {
      throw invalidArgument(header, value, 'Metadata must be names and values that HTTP headers can carry');
    }
    metadata[name] = value;
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size <= LARGEST_METADATA) return metadata;
  throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
    details: { Size: String(size), MaxSizeAllowed: String(LARGEST_METADATA) },
  });
}

/** Whether HTTP can carry the text as a header's value. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
