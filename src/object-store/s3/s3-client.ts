import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import { messageOf, SluiceError } from '../../errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';

/**
 * Loads the SDK and makes a client with our sockets and without its retries.
 *
 * `checksums` is `WHEN_SUPPORTED` for requests of our own and `WHEN_REQUIRED` for presigned ones: a URL signed with the
 * former would carry the CRC32 of an empty body, which S3 then holds against the bearer's.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when no region is known.
 */
export async function openS3Client(
  options: ResolvedS3StoreOptions,
  checksums: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED',
): Promise<{ readonly sdk: typeof import('@aws-sdk/client-s3'); readonly client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  // Agents of our own: for larger bodies the SDK would use one without keep-alive and without a bound.
  const sockets = { keepAlive: true, maxSockets: options.concurrency };
  const client = new sdk.S3Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.anonymous ? UNSIGNED : {}),
    forcePathStyle: options.addressing === 'path',
    maxAttempts: 1,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    requestHandler: {
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: options.idleTimeoutMs,
      socketAcquisitionWarningTimeout: NEVER_MS,
    },
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
    if (options.anonymous && options.region === undefined) {
      return openS3Client({ ...options, region: 'us-east-1' }, checksums);
    }
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

const CONNECT_TIMEOUT_MS = 10_000;
// Requests queue for sockets by design; the largest timer Node has silences the SDK's warning about it.
const NEVER_MS = 2 ** 31 - 1;
