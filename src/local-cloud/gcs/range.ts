import { askedRange } from '../byte-range.js';
import type { ByteRange } from '../store/data-files.js';
import { GcsError, notImplemented } from './gcs-error.js';

/** The range a `Range` header asks for of `size` bytes; `undefined` for the whole. @throws {GcsError} `requestedRangeNotSatisfiable` */
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
      throw new GcsError('requestedRangeNotSatisfiable', 'Request range not satisfiable', {
        headers: { 'content-range': `bytes */${size}` },
      });
  }
}
