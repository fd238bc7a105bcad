import { SluiceError } from '../../errors.js';
import { shownUrl } from '../shown-url.js';
import type { FileIdentity } from '../staging.js';
import type { HttpAnswer } from './exchange.js';
import type { HttpRequests } from './http-requests.js';
import { identityOf, type Representation, representationOf } from './representation.js';

/** Identity of a file; `undefined` when there is none. By HEAD or, where that is not allowed or says too little, by GET. */
export async function findFile(
  requests: HttpRequests,
  url: string,
  signal: AbortSignal,
): Promise<FileIdentity | undefined> {
  const what = `look at ${shownUrl(url)}`;
  const accepts = [200, 404, 410, ...HEAD_REFUSED];
  const answer = await requests.send({ what, method: 'HEAD', url, signal, accepts });
  await answer.discard();
  if (isMissing(answer)) return undefined;
  const found = representationOf(answer.header);
  if (answer.status === 200 && found.size !== undefined) return identityOf(found);
  const shown = await showByGet(requests, { what, url, signal });
  return shown && identityOf(shown);
}

/** As {@link findFile}, of a file that was just written; `undefined` also where it may not be looked at. */
export async function findWritten(
  requests: HttpRequests,
  url: string,
  signal: AbortSignal,
): Promise<FileIdentity | undefined> {
  try {
    return await findFile(requests, url, signal);
  } catch (error) {
    if (error instanceof SluiceError && /^(ACCESS_DENIED|INVALID_OPTIONS)$/.test(error.code)) return undefined;
    throw error;
  }
}

// A URL that is signed for GET is signed for nothing else.
const HEAD_REFUSED = [403, 405, 501];

async function showByGet(
  requests: HttpRequests,
  asked: { readonly what: string; readonly url: string; readonly signal: AbortSignal },
): Promise<Representation | undefined> {
  const headers = { range: 'bytes=0-0' };
  const answer = await requests.send({ ...asked, method: 'GET', headers, accepts: [200, 206, 404, 410, 416] });
  answer.body.destroy();
  // An empty file has no first byte.
  return isMissing(answer) ? undefined : representationOf(answer.header);
}

function isMissing({ status }: HttpAnswer): boolean {
  return status === 404 || status === 410;
}
