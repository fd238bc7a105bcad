import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';

/** A server that speaks S3, and keys it takes. */
export interface S3Address {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A bucket of its own, and the official SDK to ask about it. */
export interface S3Place extends S3Address {
  readonly Bucket: string;
  /** With the SDK's defaults: checksums wherever they are supported, streams in chunks with a trailer. */
  readonly client: S3Client;
  /** Without checksums that the operation does not demand. */
  readonly plain: S3Client;
  newClient(config: S3ClientConfig): S3Client;
  put(Key: string, Body: string, more?: object): Promise<{ readonly ETag?: string | undefined }>;
  /** The content as text. */
  get(Key: string, more?: object): Promise<string>;
  close(): void;
}

/** One question to a server. */
export interface Row {
  /** What Amazon S3 answers. Source: the operation's page in the Amazon S3 API Reference, where no other is named. */
  readonly s3: string;
  ask(place: S3Place): Promise<string>;
}

export async function openPlace(address: S3Address): Promise<S3Place> {
  const clients: S3Client[] = [];
  const Bucket = `rows-${randomUUID()}`;
  const newClient = (config: S3ClientConfig) => {
    const { endpoint, credentials } = address;
    const fixed = { endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 };
    const client = new S3Client({ ...fixed, ...config });
    clients.push(client);
    return client;
  };
  const client = newClient({});
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    ...address,
    Bucket,
    client,
    plain: newClient({ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' }),
    newClient,
    put: (Key, Body, more = {}) => client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more })),
    get: async (Key, more = {}) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
      return (await Body?.transformToString()) ?? '';
    },
    close: () => {
      for (const one of clients) one.destroy();
    },
  };
}

/** The status of a plain HTTP answer, and the code of its error document. */
export async function statusOf(answer: Response): Promise<string> {
  const code = /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1] ?? '';
  return `${code} ${answer.status}`.trim();
}
