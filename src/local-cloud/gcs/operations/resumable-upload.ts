import { checkSums, expectedInHeaders } from '../body/expected-sums.js';
import { GcsError } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import { replyEmpty, replyJson } from '../reply.js';
import { objectResource } from '../resources.js';
import type { GcsBucket } from '../store/gcs-bucket.js';
import type { ObjectRecord } from '../store/gcs-object.js';
import type { UploadSession } from '../store/upload-sessions.js';
import { lengthOf } from './insert-object.js';
import { bucketOf, type GcsContext, type Operation } from './operation.js';

const PLACE = { api: 'upload', path: 'b/:bucket/o', needs: ['upload_id'], takes: ['uploadType', 'name'] } as const;

/** Requests to a session URI. Source: "Perform resumable uploads", Cloud Storage. */
export const RESUMABLE_OPERATIONS: readonly Operation[] = [
  { name: 'storage.objects.upload', ...PLACE, method: 'PUT', run: receive },
  { name: 'storage.objects.upload', ...PLACE, method: 'POST', run: receive },
  { name: 'storage.objects.cancelUpload', ...PLACE, method: 'DELETE', run: cancel },
];

interface ContentRange {
  /** Where the body begins in the object; a request that only asks how the upload stands has none. */
  readonly start: number | undefined;
  /** Last byte that the body has, where it is known. */
  readonly end: number | undefined;
  /** Size of the object, where it is known. */
  readonly total: number | undefined;
}

async function receive(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const id = request.query.get('upload_id') ?? '';
  const sums = expectedInHeaders(request.headers);
  await bucket.sessions.exclusively(id, async () => {
    await bucket.sessions.expire(id, context.now());
    const state = bucket.sessions.state(id);
    if (state.kind === 'finished') return reply(request, bucket, state.record);
    const range = contentRange(request, state.session);
    const total = range.total ?? state.session.size;
    let { received } = state;
    if (range.start !== undefined) {
      if (range.start > received)
        throw invalidRange(`the upload has ${received} bytes, the body is from ${range.start} on`);
      const source = beyond(request.body, received - range.start);
      const failure = await bucket.sessions.append(id, source, (size) => size === total || isUnbounded(range));
      if (failure !== undefined) throw failure;
      ({ received } = bucket.sessions.state(id) as { received: number });
    }
    if (total === undefined ? !isUnbounded(range) : received < total) return incomplete(request, received);
    const record = await finish(bucket, id, { received, total, sums, nowMs: context.now() });
    return reply(request, bucket, record);
  });
}

async function cancel(request: GcsRequest, context: GcsContext): Promise<void> {
  await bucketOf(request, context).sessions.cancel(request.query.get('upload_id') ?? '');
  // "Client Closed Request": what the service answers when it has been done.
  replyEmpty(request, 499);
}

/** Makes the object. When that fails, the upload is over. */
async function finish(
  bucket: GcsBucket,
  id: string,
  {
    received,
    total,
    sums,
    nowMs,
  }: {
    readonly received: number;
    readonly total: number | undefined;
    readonly sums: ReturnType<typeof expectedInHeaders>;
    readonly nowMs: number;
  },
): Promise<ObjectRecord> {
  const { session } = bucket.sessions.state(id) as { session: UploadSession };
  const { key, facts, conditions, expected, segments } = session;
  try {
    if (total !== undefined && received > total) throw tooMuch(received, total);
    const actual = await bucket.sessions.sums(id);
    checkSums({ ...expected, ...sums }, actual);
  } catch (error) {
    await bucket.sessions.finish(id);
    await bucket.data.discard(segments);
    throw error;
  }
  try {
    const { crc32c, md5Hash } = await bucket.sessions.sums(id);
    const object = { key, facts, segments, size: received, crc32c, md5Hash, uploadId: id };
    const record = await bucket.put(object, conditions, nowMs);
    await bucket.sessions.finish(id, record);
    return record;
  } catch (error) {
    await bucket.sessions.finish(id);
    throw error;
  }
}

function reply(request: GcsRequest, bucket: GcsBucket, record: ObjectRecord): void {
  replyJson(request, objectResource(request.origin, bucket.name, record));
}

function incomplete(request: GcsRequest, received: number): void {
  const range: Record<string, string> = received === 0 ? {} : { range: `bytes=0-${received - 1}` };
  // Google's clients for Go ask for it, as their HTTP library would take a 308 for a redirect.
  const isFor308 = request.headers.get('x-guploader-no-308') !== 'yes';
  if (isFor308) replyEmpty(request, 308, range);
  else replyEmpty(request, 200, { ...range, 'x-http-status-code-override': '308' });
}

// As in `bytes 100-199/200`, with a star for what is not known; one for the range asks how the upload stands, and no
// header at all is the whole in one request.
function contentRange(request: GcsRequest, session: UploadSession): ContentRange {
  const header = request.headers.get('content-range');
  const length = lengthOf(request);
  if (header === undefined) return { start: 0, end: undefined, total: length };
  const match = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(header);
  if (match === null) throw invalidRange(`'${header}' is not of its form`);
  const [first, last, size] = [match[1], match[2], match[3]].map((text) =>
    text === undefined || text === '*' ? undefined : Number(text),
  );
  const total = size ?? (match[2] === '*' ? undefined : session.size);
  if (size !== undefined && session.size !== undefined && size !== session.size) {
    throw invalidRange(`the upload was begun for ${session.size} bytes, not for ${size}`);
  }
  if (first !== undefined && last !== undefined) {
    if (last < first || (total !== undefined && last >= total)) throw invalidRange(`'${header}' is no range`);
    if (length !== undefined && length !== last - first + 1) {
      throw invalidRange(`the body has ${length} bytes, the range ${last - first + 1}`);
    }
  }
  return { start: first, end: last, total };
}

/** Whether all that comes is all there is, however much. */
function isUnbounded({ start, end, total }: ContentRange): boolean {
  return start !== undefined && end === undefined && total === undefined;
}

/** A body without its first bytes, those that are here already. */
async function* beyond(body: AsyncIterable<Uint8Array>, known: number): AsyncGenerator<Uint8Array> {
  let left = known;
  for await (const chunk of body) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function invalidRange(why: string): GcsError {
  return new GcsError('invalid', `Invalid Content-Range: ${why}.`, {
    location: { type: 'header', name: 'Content-Range' },
  });
}

function tooMuch(received: number, total: number): GcsError {
  return new GcsError('badRequest', `${received} bytes came of an object of ${total}.`);
}
