import type { S3Client } from '@aws-sdk/client-s3';
import { checkKey } from '../check-request.js';
import { retrying } from '../retry-policy.js';
import { openS3Client } from './s3-client.js';
import { isTransient, nameOf, type S3Subject, toSluiceError } from './s3-errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';

/** What one attempt of a request is made with. */
export interface S3Attempt {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
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
  let opening: ReturnType<typeof openS3Client> | undefined;
  const { bucket } = options;
  return {
    options,
    async send({ action, key, signal }, run) {
      signal?.throwIfAborted();
      const subject: S3Subject = { action, bucket, key };
      if (key !== undefined) checkKey(`${action} s3://${bucket}`, key);
      opening ??= openS3Client(options, 'WHEN_SUPPORTED');
      const { sdk, client } = await opening;
      const policy = options.retry;
      const what = `${action} ${nameOf(subject)}`;
      try {
        return await retrying((abortSignal) => run({ sdk, client, abortSignal }), {
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
      (await opening?.catch(() => undefined))?.client.destroy();
    },
  };
}
