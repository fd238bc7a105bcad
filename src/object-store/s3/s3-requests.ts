import { checkKey } from '../check-request.js';
import { PartBuffers } from '../part-buffers.js';
import { type Gate, retrying } from '../retry-policy.js';
import { transferLimitOf } from '../transfer-limit.js';
import { destinationOf } from './s3-destination.js';
import {
  askedWaitMs,
  isTransient,
  loadToldBy,
  nameOf,
  regionToldBy,
  type S3Access,
  type S3Subject,
  toSluiceError,
} from './s3-errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';
import { openS3Wire, type S3Wire } from './s3-wire.js';

/** What one attempt of a request is made with. */
export interface S3Attempt {
  readonly wire: S3Wire;
  readonly abortSignal: AbortSignal;
}

export interface RequestSubject {
  readonly action: string;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `content`: it is one of the transfers of which its destination takes so many at a time. Default: it is not. */
  readonly carries?: 'content' | undefined;
}

/** Sends requests about one bucket: retried by the store's policy, failing with SluiceErrors only. */
export interface S3Requests {
  readonly options: ResolvedS3StoreOptions;
  /** Memory for what is uploaded in parts. */
  readonly buffers: PartBuffers;
  send<T>(subject: RequestSubject, run: (attempt: S3Attempt) => Promise<T>): Promise<T>;
  /** Where the bucket is: scheme, host, port and path. */
  place(): Promise<string>;
  /** The bucket's region, as far as an option or an answer has said it. */
  region(): string | undefined;
  close(): Promise<void>;
}

/**
 * {@link S3Requests} over lazily opened clients. A bucket in another region than was thought is followed there, and its region
 * is remembered.
 */
export function createS3Requests(options: ResolvedS3StoreOptions): S3Requests {
  const openings: Opening[] = [];
  const { bucket } = options;
  const latest = (): Opening => openings.at(-1) ?? openAt(options.region);
  const openAt = (region: string | undefined): Opening => {
    const opening = { region, opened: open(region === undefined ? options : { ...options, region }) };
    openings.push(opening);
    return opening;
  };
  const openWhereTold = (failed: Opening, error: unknown): Opening | undefined => {
    const region = regionToldBy(error);
    // Another request may have been there first; what the region itself sends on is sent round in circles.
    if (region === undefined || failed.region === region) return undefined;
    return latest().region === region ? latest() : openAt(region);
  };
  return {
    options,
    buffers: new PartBuffers(),
    async send({ action, key, signal, carries }, run) {
      signal?.throwIfAborted();
      const subject: S3Subject = { action, bucket, key, access: accessOf(options) };
      if (key !== undefined) checkKey(`${action} s3://${bucket}`, key);
      const what = `${action} ${nameOf(subject)}`;
      const sendTo = async ({ opened }: Opening) => {
        const { transfers, ...parts } = await opened;
        const gate = carries && transfers;
        const attempt = (abortSignal: AbortSignal) => run({ ...parts, abortSignal });
        return retrying(attempt, { policy: options.retry, isTransient, what, signal, askedWaitMs, gate });
      };
      const first = latest();
      try {
        return await sendTo(first).catch((error: unknown) => {
          const next = openWhereTold(first, error);
          if (next === undefined) throw error;
          return sendTo(next);
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw toSluiceError(error, subject);
      }
    },
    place: async () => (await latest().opened).wire.bucket,
    region: () => openings.at(-1)?.region ?? options.region,
    async close() {
      for (const { opened } of openings) {
        const parts = await opened.catch(() => undefined);
        await parts?.wire.close();
      }
    },
  };
}

/** Clients for a region; `undefined`: as the environment says. */
interface Opening {
  readonly region: string | undefined;
  readonly opened: ReturnType<typeof open>;
}

function accessOf({ anonymous, requesterPays }: ResolvedS3StoreOptions): S3Access {
  return anonymous ? 'anonymous' : requesterPays ? 'paying' : 'signed';
}

async function open(options: ResolvedS3StoreOptions): Promise<Pick<S3Attempt, 'wire'> & { readonly transfers: Gate }> {
  const destination = await destinationOf(options);
  const transfers = transferLimitOf(destination.origin, options.concurrency);
  // Amazon's buckets have an origin each; another server's answer for its load together.
  return { wire: openS3Wire(destination, options), transfers: transfers.gateFor(loadToldBy) };
}
