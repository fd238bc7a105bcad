import { SluiceError } from '../../errors.js';
import { checkKey } from '../check-request.js';
import { openS3Client } from './s3-client.js';
import { toSluiceError } from './s3-errors.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';

/** Signs URLs with a client of its own, opened at first use. */
export interface S3Presigner {
  presign(key: string, options: { method: 'GET' | 'PUT'; expiresInSeconds: number }): Promise<string>;
  close(): Promise<void>;
}

/** An {@link S3Presigner} for one bucket. @param regionOf says where it is, as far as that is known, when it signs first */
export function createS3Presigner(
  options: ResolvedS3StoreOptions,
  regionOf: () => string | undefined = () => options.region,
): S3Presigner {
  let opening: ReturnType<typeof openS3Client> | undefined;
  const { bucket } = options;
  return {
    async presign(key, { method, expiresInSeconds }) {
      checkKey(`presign s3://${bucket}`, key);
      if (!(expiresInSeconds >= 1 && expiresInSeconds <= LONGEST_SECONDS)) {
        const text = `a URL may be valid for 1 to ${LONGEST_SECONDS} seconds, not ${expiresInSeconds}`;
        throw new SluiceError('INVALID_OPTIONS', `presign s3://${bucket}/${key}: ${text}`);
      }
      if (options.anonymous) {
        const text = 'without keys (`anonymous`) no URL can be signed';
        throw new SluiceError('INVALID_OPTIONS', `presign s3://${bucket}/${key}: ${text}`);
      }
      const region = regionOf();
      opening ??= openS3Client(region === undefined ? options : { ...options, region });
      const { sdk, client } = await opening;
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
      const input = { Bucket: bucket, Key: key };
      const command = method === 'GET' ? new sdk.GetObjectCommand(input) : new sdk.PutObjectCommand(input);
      try {
        return await getSignedUrl(client, command, { expiresIn: Math.floor(expiresInSeconds) });
      } catch (error) {
        throw toSluiceError(error, { action: 'presign', bucket, key });
      }
    },
    async close() {
      (await opening?.catch(() => undefined))?.client.destroy();
    },
  };
}

/** Source: "Download and upload objects with presigned URLs", S3 User Guide: seven days. */
const LONGEST_SECONDS = 7 * 24 * 3600;
