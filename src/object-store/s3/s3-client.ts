import type { S3Client } from '@aws-sdk/client-s3';
import { messageOf, SluiceError } from '../../errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';

/**
 * Loads the SDK and makes a client, which knows keys, region and endpoint and signs URLs: requests are not sent by it.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when no region is known.
 */
export async function openS3Client(
  options: ResolvedS3StoreOptions,
): Promise<{ readonly sdk: typeof import('@aws-sdk/client-s3'); readonly client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.anonymous ? UNSIGNED : {}),
    forcePathStyle: options.addressing === 'path',
    // Otherwise a URL would carry the checksum of an empty body, which S3 then holds against its bearer's.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  if (options.requesterPays) {
    const paying = (request: unknown) => Object.assign((request as { headers: object }).headers, PAYING);
    client.middlewareStack.add(
      (next) => (args) => {
        paying(args.request);
        return next(args);
      },
      { step: 'build', name: 'sluiceRequesterPays' },
    );
  }
  try {
    await client.config.region();
  } catch (error) {
    client.destroy();
    // Where nothing is signed, any region will do: the answer says which it should have been.
    if (options.anonymous && options.region === undefined) return openS3Client({ ...options, region: 'us-east-1' });
    const advice = 'set AWS_REGION, a region in the AWS profile, or the option `region`';
    throw new SluiceError('INVALID_OPTIONS', `s3://${options.bucket}: no region is known: ${advice}`, {
      cause: new Error(messageOf(error)),
    });
  }
  return { sdk, client };
}

/** The header by which a requester agrees to pay. Source: "Using Requester Pays buckets", S3 User Guide. */
export const PAYING: Readonly<Record<string, string>> = { 'x-amz-request-payer': 'requester' };

// Keys that sign nothing: without any, the SDK would look for some.
const UNSIGNED = {
  credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
  signer: { sign: async <T>(request: T) => request },
};
