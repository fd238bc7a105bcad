import { SluiceError } from '../../errors.js';
import { isTransient, toSluiceError } from './gcs-errors.js';
import { checkGcsKey, type GcsRequests } from './gcs-requests.js';

/** A URL, signed (V4) by a service account, that does one thing with one object. */
export async function presignObject(
  requests: GcsRequests,
  key: string,
  { method, expiresInSeconds }: { readonly method: 'GET' | 'PUT'; readonly expiresInSeconds: number },
): Promise<string> {
  const { bucket, userProject } = requests.options;
  checkGcsKey(`presign gs://${bucket}`, key);
  if (!(expiresInSeconds >= 1 && expiresInSeconds <= LONGEST_SECONDS)) {
    const text = `a URL may be valid for 1 to ${LONGEST_SECONDS} seconds, not ${expiresInSeconds}`;
    throw new SluiceError('INVALID_OPTIONS', `presign gs://${bucket}/${key}: ${text}`);
  }
  if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
    const text = 'no URL can name it, since clients take . and .. out of paths';
    throw new SluiceError('INVALID_OPTIONS', `presign gs://${bucket}/${key}: ${text}`);
  }
  const { storage } = await requests.client();
  // In whole seconds, and for no fewer than were asked for.
  const nowSeconds = Date.now() / 1000;
  const beginsAt = Math.floor(nowSeconds);
  const endsAt = Math.min(Math.ceil(nowSeconds + expiresInSeconds), beginsAt + LONGEST_SECONDS);
  try {
    const [url] = await storage
      .bucket(bucket)
      .file(key)
      .getSignedUrl({
        version: 'v4',
        action: method === 'GET' ? 'read' : 'write',
        accessibleAt: beginsAt * 1000,
        expires: endsAt * 1000,
        ...(userProject !== undefined && { queryParams: { userProject } }),
      });
    return url;
  } catch (error) {
    const text = `no signature could be had: URLs are signed by a service account (${firstLineOf(error)})`;
    const denied = new SluiceError('ACCESS_DENIED', `presign gs://${bucket}/${key}: ${text}`, { cause: error });
    throw isTransient(error) ? toSluiceError(error, { action: 'presign', bucket, key }) : denied;
  }
}

/** Source: "Signed URLs", Cloud Storage: seven days. */
const LONGEST_SECONDS = 7 * 24 * 3600;

function firstLineOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}
