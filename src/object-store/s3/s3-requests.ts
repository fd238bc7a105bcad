import type { S3Client } from '@aws-sdk/client-s3';
import { checkKey } from '../check-request.js';
import { retrying } from '../retry-policy.js';
import { openS3Client } from './s3-client.js';
import { isTransient, nameOf, type S3Subject, toSluiceError } from './s3-errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';
import { openS3Wire, type S3Wire } from './s3-wire.js';

/** What one attempt of a request is made with. */
export interface S3Attempt {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
  /** For requests that carry objects. */
  readonly wire: S3Wire;
  readonly abortSignal: AbortSignal;
}

/** Sends requests about one bucket: retried by the store's policy, failing with SluiceErrors only. */
export interface S3Requests {
  readonly options: ResolvedS3StoreOptions;
  /** `run` makes its command anew each time: the SDK writes into a command's input. */
  send<T>(
    subject: { readonly action: string; readonly key?: string | undefined; readonly signal?: AbortSignal | undefined },
    run: (attempt: S3Attempt) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

/** {@link S3Requests} over one lazily opened client. */
export function createS3Requests(options: ResolvedS3StoreOptions): S3Requests {
  let opening: ReturnType<typeof open> | undefined;
  const { bucket } = options;
  return {
    options,
    async send({ action, key, signal }, run) {
      signal?.throwIfAborted();
      const subject: S3Subject = { action, bucket, key };
      if (key !== undefined) checkKey(`${action} s3://${bucket}`, key);
      opening ??= open(options);
      const policy = options.retry;
      const what = `${action} ${nameOf(subject)}`;
      try {
        const opened = await opening;
        return await retrying((abortSignal) => run({ ...opened, abortSignal }), {
          policy,
          isTransient,
          what,
          signal,
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw toSluiceError(error, subject);
      }
    },
    async close() {
      const opened = await opening?.catch(() => undefined);
      opened?.client.destroy();
      await opened?.wire.close();
    },
  };
}

async function open(options: ResolvedS3StoreOptions): Promise<Omit<S3Attempt, 'abortSignal'>> {
  const opened = await openS3Client(options, 'WHEN_SUPPORTED');
  return { ...opened, wire: await openS3Wire(opened, options) };
}
