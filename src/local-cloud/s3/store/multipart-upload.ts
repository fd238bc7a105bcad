import type { Segment } from '../../store/data-files.js';
import type { ChecksumAlgorithm, ChecksumType } from '../checksums/checksum.js';
import type { ObjectHeaders } from './object-record.js';

/** A multipart upload that was begun and neither completed nor aborted. */
export interface MultipartUpload extends ObjectHeaders {
  readonly id: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly checksum: {
    readonly algorithm: ChecksumAlgorithm;
    readonly type: ChecksumType;
    /** Whether the client chose the algorithm, or S3's own default stands. */
    readonly chosenBy: 'client' | 'default';
  };
}

/** One uploaded part. */
export interface UploadedPart {
  /** 1 to 10,000. */
  readonly number: number;
  /** MD5 of the part, hex. */
  readonly etag: string;
  /** Base64, of the upload's algorithm. */
  readonly checksum: string;
  readonly lastModifiedMs: number;
  readonly segment: Segment;
}
