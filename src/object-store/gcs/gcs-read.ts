import { crc32c } from '../../checksums/crc32c.js';
import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import { checkRange } from '../check-request.js';
import { checkFor, runningCrc } from '../content-check.js';
import type { ByteRange, GetOptions, ObjectInfo } from '../object-store.js';
import { lengthOf } from '../part-plan.js';
import { type OpenBody, resumingChunks } from '../resuming-body.js';
import { nameOf } from './gcs-errors.js';
import { type GcsRequests, objectPath, urlOf } from './gcs-requests.js';
import { crcOf, isGeneration } from './gcs-resource.js';

/** An object, or a range of it, as chunks; a body that breaks off is taken up again where it broke. */
export async function readObject(
  requests: GcsRequests,
  key: string,
  options: GetOptions,
): Promise<{ readonly info: ObjectInfo; readonly chunks: AsyncIterable<Uint8Array> }> {
  const first = await openBody(requests, key, options);
  const { etag } = first.info;
  const { signal } = options;
  const chunks = resumingChunks(first, {
    name: nameOf({ action: 'read', bucket: requests.options.bucket, key }),
    reopen: (range) => openBody(requests, key, { range, ifMatch: etag, ...(signal && { signal }) }),
    retry: requests.options.retry,
    signal,
  });
  return { info: first.info, chunks };
}

async function openBody(requests: GcsRequests, key: string, { range, ifMatch, signal }: GetOptions): Promise<OpenBody> {
  const { bucket } = requests.options;
  checkRange(`read gs://${bucket}/${key}`, range);
  const conditions = readCondition(requests, key, ifMatch);
  const answer = await requests.send({ action: 'read', key, signal, carries: 'content' }, ({ open }) =>
    open(
      {
        method: 'GET',
        url: urlOf(requests, objectPath(key), { alt: 'media', ...conditions }),
        headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` },
      },
      { lasting: signal },
    ),
  );
  try {
    return describe(answer, key, range);
  } catch (error) {
    answer.body.destroy();
    throw error instanceof SluiceError ? error : new SluiceError('PROTOCOL', `read gs://${bucket}/${key}: ${error}`);
  }
}

/** The parameters by which only one version is read. @throws {SluiceError} `PRECONDITION_FAILED` when no object has it. */
function readCondition(
  { options }: GcsRequests,
  key: string,
  ifMatch: string | undefined,
): { ifGenerationMatch?: string } {
  if (ifMatch === undefined) return {};
  if (isGeneration(ifMatch)) return { ifGenerationMatch: ifMatch };
  const name = nameOf({ action: 'read', bucket: options.bucket, key });
  throw new SluiceError('PRECONDITION_FAILED', `read ${name}: no object has the generation ${JSON.stringify(ifMatch)}`);
}

/** What the headers say of a body. Source: "HTTP headers and query string parameters for XML API"; JSON's are the same. */
function describe(answer: Answer, key: string, range: ByteRange | undefined): OpenBody {
  const generation = answer.headers['x-goog-generation'];
  if (generation === undefined) throw new Error('the answer does not say which generation it is of');
  const stored = answer.headers['x-goog-stored-content-length'];
  const length = Number(answer.headers['content-length'] ?? stored ?? Number.NaN);
  const [, from, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? [];
  const size = Number(whole ?? stored ?? length);
  if (Number.isNaN(length) || Number.isNaN(size)) throw new Error('the answer does not say how long it is');
  const start = range?.start ?? 0;
  // The whole object is right as well where it lies within the range.
  const first = from ?? (range !== undefined && answer.status === 200 && length <= lengthOf(range) ? 0 : undefined);
  if (range !== undefined && Number(first) !== start) {
    throw new Error(`the answer is not the range that was asked for, bytes ${range.start} to ${range.end}`);
  }
  const sum = checksumIn(answer);
  const lastModifiedMs = Date.parse(answer.headers['last-modified'] ?? '');
  return {
    info: {
      key,
      size,
      etag: generation,
      lastModifiedMs: Number.isNaN(lastModifiedMs) ? Date.now() : lastModifiedMs,
      ...(sum !== undefined && { crc32c: crcOf(sum) }),
    },
    range: { start, end: start + length - 1 },
    body: answer.body,
    check: sum !== undefined && length === size ? checkFor('CRC32C', sum, runningCrc(crc32c)) : undefined,
  };
}

/** The CRC32C in `x-goog-hash: crc32c=…,md5=…`: of the whole object, also with a part of it. */
function checksumIn({ headers }: Answer): string | undefined {
  // The header may come twice, one hash in each.
  const hashes = [headers['x-goog-hash'] ?? []].flat().join(',');
  return /(?:^|[,\s])crc32c=([^,\s]+)/.exec(hashes)?.[1];
}
