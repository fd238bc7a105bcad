import { base64OfCrc32 } from '../../checksums/combine-crcs.js';
import { crc32c } from '../../checksums/crc32c.js';
import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import type { ByteRange, ObjectInfo, PutOptions } from '../object-store.js';
import type { HeldPart } from '../part-buffers.js';
import { planParts } from '../part-plan.js';
import { readPart } from '../read-part.js';
import { nameOf } from './gcs-errors.js';
import { type GcsAttempt, type GcsRequests, objectPath, readJson, urlOf } from './gcs-requests.js';
import { type GcsResource, infoOf, RESOURCE_FIELDS } from './gcs-resource.js';
import { conditionsOf, DEFAULT_TYPE, putObject } from './gcs-write.js';

/**
 * Writes one object by a resumable upload, part after part, the next one being read while one is sent.
 *
 * Of the ways to write a large object this is the one that knows conditions, has the service verify the checksum of the
 * whole before there is an object, and leaves nothing behind, kill -9 included: what a session holds is no object, and
 * ends by itself.
 */
export async function putResumable(
  requests: GcsRequests,
  key: string,
  size: number,
  read: (range: ByteRange) => Promise<Uint8Array>,
  options: PutOptions,
): Promise<ObjectInfo> {
  const name = nameOf({ action: 'write', bucket: requests.options.bucket, key });
  const ranges = planParts(size);
  const [only] = ranges;
  if (only === undefined) return putObject(requests, key, new Uint8Array(), options);
  const { signal } = options;
  let isOver = false;
  const readWanted = (range: ByteRange) => {
    if (isOver) throw new Error('the upload has ended');
    return readPart(name, range, read);
  };
  const hold: Hold = (range) => requests.buffers.hold(range, async (one) => readWanted(one), signal);
  if (ranges.length === 1) {
    const part = await hold(only);
    return await putObject(requests, key, part.bytes, options).finally(part.release);
  }
  const session = { key, size, signal, url: await startSession(requests, key, size, options) };
  try {
    const resource = await sendParts(requests, session, ranges, hold);
    return infoOf(resource);
  } catch (error) {
    await cancelSession(requests, session).catch(() => undefined);
    throw error;
  } finally {
    isOver = true;
  }
}

interface Session {
  readonly key: string;
  /** Of the object, in bytes. */
  readonly size: number;
  readonly signal: AbortSignal | undefined;
  /** Lets in whoever knows it. */
  readonly url: string;
}

async function startSession(requests: GcsRequests, key: string, size: number, options: PutOptions): Promise<string> {
  const conditions = conditionsOf(requests, key, options);
  const contentType = options.contentType ?? DEFAULT_TYPE;
  const location = await requests.send({ action: 'write', key, signal: options.signal }, async ({ open }) => {
    const query = { uploadType: 'resumable', name: key, fields: RESOURCE_FIELDS, ...conditions };
    const answer = await open({
      method: 'POST',
      url: urlOf(requests, '/o', query, '/upload'),
      headers: {
        'Content-Type': 'application/json; charset=UTF-8',
        'X-Upload-Content-Type': contentType,
        'X-Upload-Content-Length': String(size),
      },
      body: Buffer.from(JSON.stringify({ name: key, contentType })),
    });
    return answer.headers.location;
  });
  if (location !== undefined) return location;
  throw protocolError(requests, key, 'the answer has no URL to upload to');
}

type Hold = (range: ByteRange) => Promise<HeldPart>;

async function sendParts(
  requests: GcsRequests,
  session: Session,
  ranges: readonly ByteRange[],
  hold: Hold,
): Promise<GcsResource> {
  let sum = 0;
  let next: Promise<HeldPart> | undefined = hold(ranges[0] as ByteRange);
  try {
    for (const [index, range] of ranges.entries()) {
      session.signal?.throwIfAborted();
      const { bytes, release } = (await next) as HeldPart;
      const following = ranges[index + 1];
      next = following && hold(following);
      // Looked at when its turn comes; until then its failure is nobody's.
      next?.catch(() => undefined);
      sum = crc32c(bytes, sum);
      const crc = following ? undefined : base64OfCrc32(sum);
      const resource = await sendPart(requests, session, { range, bytes, crc32c: crc }).finally(release);
      if (resource !== undefined) return await verified(requests, session, resource, base64OfCrc32(sum));
    }
  } finally {
    next?.then(({ release }) => release()).catch(() => undefined);
  }
  throw protocolError(
    requests,
    session.key,
    'all parts are sent, and the service does not take the upload for complete',
  );
}

interface Part {
  readonly range: ByteRange;
  readonly bytes: Uint8Array;
  /** Of the whole object, with its last part. */
  readonly crc32c: string | undefined;
}

/** Sends a part until the service has all of it; gives the object's resource when that was the last of it. */
async function sendPart(requests: GcsRequests, session: Session, part: Part): Promise<GcsResource | undefined> {
  const known = { received: part.range.start, isSure: true };
  for (;;) {
    const before = known.received;
    try {
      return await sendRest(requests, session, part, known);
    } catch (error) {
      // As when reading: attempts are counted from the last byte that got through.
      const isFailure = error instanceof SluiceError && error.code === 'SERVICE_FAILED';
      if (!isFailure || known.received <= before) throw error;
    }
  }
}

function sendRest(
  requests: GcsRequests,
  session: Session,
  part: Part,
  known: { received: number; isSure: boolean },
): Promise<GcsResource | undefined> {
  const { key, signal } = session;
  return requests.send({ action: 'write', key, signal, carries: 'content' }, async (attempt) => {
    // What a failed attempt has left there is not known before it is asked for.
    let state: State = known.isSure ? { kind: 'incomplete', received: known.received } : await ask(attempt, session);
    known.isSure = false;
    for (let stalls = 0; state.kind === 'incomplete' && state.received <= part.range.end; ) {
      const { received }: { received: number } = state;
      if (received < part.range.start) throw lostBytes(requests, key, received);
      known.received = received;
      state = await sendFrom(attempt, session, part, received);
      stalls = state.kind === 'incomplete' && state.received === received ? stalls + 1 : 0;
      if (stalls === MOST_STALLS)
        throw protocolError(requests, key, `the service takes none of the bytes from ${received} on`);
    }
    return state.kind === 'complete' ? state.resource : undefined;
  });
}

const MOST_STALLS = 3;

/** How an upload stands. */
type State =
  | { readonly kind: 'incomplete'; readonly received: number }
  | { readonly kind: 'complete'; readonly resource: GcsResource };

async function sendFrom({ open }: GcsAttempt, { url, size }: Session, part: Part, from: number): Promise<State> {
  const { range, bytes, crc32c } = part;
  const rest = bytes.subarray(from - range.start);
  const answer = await open(
    {
      method: 'PUT',
      url,
      headers: {
        'Content-Range': `bytes ${from}-${range.end}/${size}`,
        // Verified before there is an object. Source: "Data validation", Cloud Storage.
        ...(crc32c !== undefined && { 'X-Goog-Hash': `crc32c=${crc32c}` }),
      },
      body: rest,
    },
    { also: [INCOMPLETE] },
  );
  return stateIn(answer);
}

/** Source: "Perform resumable uploads", Cloud Storage. */
async function ask({ open }: GcsAttempt, { url, size }: Session): Promise<State> {
  const headers = { 'Content-Range': `bytes */${size}` };
  return stateIn(await open({ method: 'PUT', url, headers, body: new Uint8Array() }, { also: [INCOMPLETE] }));
}

/** "Resume Incomplete": no redirect here. */
const INCOMPLETE = 308;

async function stateIn(answer: Answer): Promise<State> {
  if (answer.status !== INCOMPLETE) return { kind: 'complete', resource: (await readJson(answer)) as GcsResource };
  const [, last] = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '') ?? [];
  return { kind: 'incomplete', received: last === undefined ? 0 : Number(last) + 1 };
}

/** A service that takes no checksum along with the bytes still says what it has. What is wrong does not stay. */
async function verified(
  requests: GcsRequests,
  { key, size, signal }: Session,
  resource: GcsResource,
  crc32c: string,
): Promise<GcsResource> {
  const isRight = Number(resource.size) === size && (resource.crc32c === undefined || resource.crc32c === crc32c);
  if (isRight) return resource;
  await requests
    .send({ action: 'delete', key, signal }, ({ open }) =>
      open({ method: 'DELETE', url: urlOf(requests, objectPath(key), { ifGenerationMatch: resource.generation }) }),
    )
    .catch(() => undefined);
  const name = nameOf({ action: 'write', bucket: requests.options.bucket, key });
  const text = `the service has ${resource.size} bytes of CRC32C ${resource.crc32c}, sent were ${size} of ${crc32c}`;
  throw new SluiceError('TRANSFER_FAILED', `write ${name}: ${text}`);
}

/** Without the caller's signal: it may be what ended the upload. */
async function cancelSession(requests: GcsRequests, { key, url }: Session): Promise<void> {
  await requests.send({ action: 'end upload of', key }, ({ open }) =>
    open({ method: 'DELETE', url }, { also: [CANCELLED, 404, 410] }),
  );
}

/** "Client Closed Request": it is done. */
const CANCELLED = 499;

function lostBytes({ options }: GcsRequests, key: string, received: number): SluiceError {
  const name = nameOf({ action: 'write', bucket: options.bucket, key });
  return new SluiceError('TRANSFER_FAILED', `write ${name}: the service lost what it had behind byte ${received}`);
}

function protocolError({ options }: GcsRequests, key: string, text: string): SluiceError {
  return new SluiceError('PROTOCOL', `write ${nameOf({ action: 'write', bucket: options.bucket, key })}: ${text}`);
}
