import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { answerOf } from '../../unit/local-cloud/s3/s3-server.js';
import type { Row, S3Place } from './place.js';

/** Uploads in parts. */
export const MULTIPART_ROWS = {
  'the ETag of an upload in parts is the MD5 of theirs and their number': {
    s3: 'quoted, of 2 parts',
    ask: async (place) => {
      const upload = await begin(place, 'etag');
      const ETag = await upload.complete([await upload.part(1, LARGE), await upload.part(2, 'end')]);
      const md5 = createHash('md5').update(md5Of(LARGE)).update(md5Of('end')).digest('hex');
      return ETag === `"${md5}-2"` ? 'quoted, of 2 parts' : `${JSON.stringify(ETag)}`;
    },
  },
  'parts come back as one object': {
    s3: 'the same bytes',
    ask: async (place) => {
      const upload = await begin(place, 'joined');
      await upload.complete([await upload.part(1, LARGE), await upload.part(2, 'end')]);
      return (await place.get('joined')) === `${LARGE}end` ? 'the same bytes' : 'others';
    },
  },
  'one part of no bytes makes an object of no bytes': {
    s3: '0 bytes',
    ask: async (place) => {
      const upload = await begin(place, 'hollow');
      await upload.complete([await upload.part(1, '')]);
      return `${(await place.get('hollow')).length} bytes`;
    },
  },
  'a part but the last below 5 MiB is refused': {
    s3: 'EntityTooSmall 400',
    ask: async (place) => {
      const upload = await begin(place, 'small');
      const parts = [await upload.part(1, 'small'), await upload.part(2, 'end')];
      return answerOf(upload.complete(parts));
    },
  },
  'a part with a wrong CRC32 is refused': {
    s3: 'BadDigest 400',
    ask: async (place) => {
      const upload = await begin(place, 'part-crc');
      return answerOf(upload.part(1, 'not empty', { ChecksumCRC32: 'AAAAAA==' }));
    },
  },
  'a part that was never sent is refused at the end': {
    s3: 'InvalidPart 400',
    ask: async (place) => {
      const upload = await begin(place, 'unsent');
      const sent = await upload.part(1, 'x');
      return answerOf(upload.complete([{ ...sent, PartNumber: 2 }]));
    },
  },
  'parts and uploads are listed until the upload is ended': {
    s3: '1 part, 1 upload, then: NoSuchUpload 404, 0 uploads',
    ask: async (place) => {
      const { client, Bucket } = place;
      const upload = await begin(place, 'listed/key');
      await upload.part(1, 'x');
      const parts = () => client.send(new ListPartsCommand({ Bucket, Key: 'listed/key', UploadId: upload.UploadId }));
      const uploads = async () => {
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'listed/' }));
        return Uploads.length;
      };
      const before = `${(await parts()).Parts?.length} part, ${await uploads()} upload`;
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'listed/key', UploadId: upload.UploadId }));
      return `${before}, then: ${await answerOf(parts())}, ${await uploads()} uploads`;
    },
  },
  'a part is copied from a range of an object': {
    s3: 'the same bytes',
    ask: async (place) => {
      const { client, Bucket, put, get } = place;
      await put('source of parts', LARGE);
      const upload = await begin(place, 'of-copies');
      const copy = (PartNumber: number, CopySourceRange: string) => {
        const CopySource = encodeURIComponent(`${Bucket}/source of parts`);
        const input = { Bucket, Key: 'of-copies', UploadId: upload.UploadId, PartNumber, CopySource, CopySourceRange };
        return client.send(new UploadPartCopyCommand(input));
      };
      const first = await copy(1, `bytes=0-${LARGE.length - 1}`);
      const second = await copy(2, 'bytes=5-8');
      await upload.complete([
        { PartNumber: 1, ETag: first.CopyPartResult?.ETag },
        { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
      ]);
      return (await get('of-copies')) === LARGE + LARGE.slice(5, 9) ? 'the same bytes' : 'others';
    },
  },
  'an upload in parts under If-None-Match: * leaves an old object alone': {
    s3: 'PreconditionFailed 412, then: old',
    ask: (place) => replaced(place, 'parts-absent', () => ({ IfNoneMatch: '*' })),
  },
  'an upload in parts under If-Match with another version leaves the object alone': {
    s3: 'PreconditionFailed 412, then: old',
    ask: (place) => replaced(place, 'parts-stale', () => ({ IfMatch: '"0123456789abcdef0123456789abcdef"' })),
  },
  'an upload in parts under If-Match with the current version replaces it': {
    s3: 'ok, then: new',
    ask: (place) => replaced(place, 'parts-current', (ETag) => ({ IfMatch: ETag })),
  },
} satisfies Record<string, Row>;

const LARGE = '0123456789abcdef'.repeat((5 * 1024 * 1024) / 16);

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

async function begin({ client, Bucket }: S3Place, Key: string) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  return {
    UploadId,
    part: async (PartNumber: number, Body: string, more: object = {}): Promise<SentPart> => {
      const input = { Bucket, Key, UploadId, PartNumber, Body: Buffer.from(Body), ...more };
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(input));
      return { PartNumber, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
    },
    complete: async (Parts: readonly SentPart[], more: object = {}) => {
      const input = { Bucket, Key, UploadId, MultipartUpload: { Parts: [...Parts] }, ...more };
      return (await client.send(new CompleteMultipartUploadCommand(input))).ETag;
    },
  };
}

async function replaced(place: S3Place, Key: string, conditions: (etag?: string) => object): Promise<string> {
  const { ETag } = await place.put(Key, 'old');
  const upload = await begin(place, Key);
  const parts = [await upload.part(1, 'new')];
  const answer = await answerOf(upload.complete(parts, conditions(ETag)));
  return `${answer}, then: ${await place.get(Key)}`;
}

function md5Of(content: string): Buffer {
  return createHash('md5').update(content).digest();
}
