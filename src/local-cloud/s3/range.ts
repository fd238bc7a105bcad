import { askedRange } from '../byte-range.js';
import type { ByteRange } from '../store/data-files.js';
import { notImplemented, S3Error } from './s3-error.js';

/** The range a `Range` header asks for of `size` bytes; `undefined` for the whole. @throws {S3Error} `InvalidRange` */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const asked = askedRange(header, size);
  switch (asked.kind) {
    case 'whole':
      return undefined;
    case 'range':
      return asked.range;
    case 'several':
      throw notImplemented('several ranges in one request');
    case 'unsatisfiable':
      throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
        details: { RangeRequested: header ?? '', ActualObjectSize: String(size) },
        headers: { 'content-range': `bytes */${size}` },
      });
  }
}
