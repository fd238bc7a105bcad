import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { SluiceError } from '../../errors.js';
import { fileDigest } from '../content-hash.js';
import { localIdentity } from '../local-file.js';
import { shownUrl } from '../shown-url.js';
import type { FileIdentity, StageOutSource } from '../staging.js';
import { localFailure } from '../write-whole.js';
import { findWritten } from './find-file.js';
import type { HttpRequests } from './http-requests.js';
import { identityOf, representationOf } from './representation.js';
import { signedUntilMs } from './signed-url.js';

/**
 * Sends a local file by PUT, streamed, its length announced. Resolves with the identity it has there, if the server
 * tells it. A file that changes meanwhile, or is of another length there, is `TRANSFER_FAILED`.
 */
export async function uploadFile(
  requests: HttpRequests,
  url: string,
  source: StageOutSource,
): Promise<FileIdentity | undefined> {
  const what = `write ${shownUrl(url)}`;
  if (new URL(url).pathname.endsWith('/')) {
    throw new SluiceError('INVALID_OPTIONS', `${what}: this is a folder: add the name that the file is to have`);
  }
  const { path, signal } = source;
  const before = await localIdentity(path);
  const job: Upload = { requests, what, source, size: before.size };
  const found =
    requests.siteOf(url).upload === 'move'
      ? await putAndMove(job, url)
      : await put(job, url, overwriteHeaders(job, url));
  if ((await localIdentity(path)).tag !== before.tag) {
    throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
  }
  if (found !== undefined) return found;
  const there = await findWritten(requests, url, signal);
  if (there === undefined || there.tag === '' || there.size === before.size) return there;
  throw new SluiceError('TRANSFER_FAILED', `${what}: ${before.size} bytes were sent, and ${there.size} are there`);
}

interface Upload {
  readonly requests: HttpRequests;
  readonly what: string;
  readonly source: StageOutSource;
  readonly size: number;
}

/** The identity, where the answer tells it. Source: RFC 9110, 9.3.4: a tag there is that of the bytes as they were sent. */
async function put(
  job: Upload,
  url: string,
  conditions: Readonly<Record<string, string>>,
): Promise<FileIdentity | undefined> {
  const { requests, what, source, size } = job;
  const { path, signal } = source;
  const headers: Record<string, string> = { ...conditions, 'content-length': String(size) };
  if (requests.siteOf(url).contentMd5 ?? checksMd5(new URL(url))) {
    headers['content-md5'] = (await fileDigest(path, 'md5', signal)).toString('base64');
  }
  const body = size === 0 ? undefined : bodies(job);
  const answer = await requests.send({ what, method: 'PUT', url, headers, body, signal, accepts: [200, 201, 204] });
  await answer.discard();
  const { validator, tag } = representationOf((name) => (name === 'etag' ? answer.header(name) : undefined));
  return validator === undefined ? undefined : identityOf({ size, validator, tag, offersRanges: false });
}

async function putAndMove(job: Upload, url: string): Promise<undefined> {
  const { requests, what } = job;
  const { signal } = job.source;
  const temporary = new URL(url);
  temporary.pathname = temporary.pathname.replace(/[^/]*$/, `.sluice-${randomUUID()}.part`);
  const destination = new URL(url);
  destination.username = '';
  destination.password = '';
  try {
    await put(job, temporary.href, {});
    const overwrite = requests.siteOf(url).overwrite === false ? 'F' : 'T';
    const headers = { destination: destination.href, overwrite };
    const answer = await requests.send({
      what: `${what} (by MOVE)`,
      method: 'MOVE',
      url: temporary.href,
      headers,
      signal,
      accepts: [200, 201, 204],
    });
    await answer.discard();
  } catch (error) {
    await removeLeft(requests, temporary.href);
    throw error;
  }
}

// Also when the transfer was aborted; and what made it fail counts more than what is left.
async function removeLeft(requests: HttpRequests, url: string): Promise<void> {
  const signal = AbortSignal.timeout(REMOVE_MS);
  const what = `remove ${shownUrl(url)}`;
  await requests
    .send({ what, method: 'DELETE', url, signal, givesWay: true, accepts: [200, 202, 204, 404, 410] })
    .then((answer) => answer.discard())
    .catch(() => undefined);
}

const REMOVE_MS = 5_000;

function overwriteHeaders({ requests }: Upload, url: string): Readonly<Record<string, string>> {
  return requests.siteOf(url).overwrite === false ? { 'if-none-match': '*' } : {};
}

// Version 2 of signatures covers Content-MD5, so that one which was not signed spoils it.
function checksMd5(url: URL): boolean {
  const isVersion2 = [...url.searchParams.keys()].some((name) => name.toLowerCase() === 'signature');
  return signedUntilMs(url) !== undefined && !isVersion2;
}

/** Makes the body of a PUT, anew for each try. */
function bodies({ source, size, what }: Upload): () => Readable {
  const { path, onProgress } = source;
  let sent = 0;
  const read = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    if (sent > 0) onProgress?.(-sent);
    sent = 0;
    try {
      for await (const chunk of createReadStream(path, { end: size - 1, highWaterMark: READ_BYTES })) {
        yield chunk as Uint8Array;
        sent += (chunk as Uint8Array).length;
        onProgress?.((chunk as Uint8Array).length);
      }
    } catch (error) {
      throw localFailure(`read ${path}`, error);
    }
    if (sent === size) return;
    throw new SluiceError('TRANSFER_FAILED', `${what}: ${path} became shorter while it was being read`);
  };
  return () => Readable.from(read(), { objectMode: false, highWaterMark: READ_BYTES });
}

const READ_BYTES = 256 * 1024;
