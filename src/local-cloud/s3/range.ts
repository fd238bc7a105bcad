import type { ByteRange } from '../store/data-files.js';
import { notImplemented, S3Error } from './s3-error.js';

/**
 * The range a `Range` header asks for of `size` bytes; `undefined` for the whole, also when the header is none that
 * RFC 9110 knows, as it demands.
 * @throws {S3Error} `InvalidRange` when no byte of it exists.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined || !/^bytes=/i.test(header)) return undefined;
  if (header.includes(',')) throw notImplemented('several ranges in one request');
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header.replaceAll(' ', ''));
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return satisfiable({ start: Math.max(size - Number(last), 0), end: size - 1 }, header, size);
  if (last !== '' && Number(last) < Number(first)) return undefined;
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return satisfiable({ start: Number(first), end }, header, size);
}

function satisfiable(range: ByteRange, header: string, size: number): ByteRange {
  if (range.start <= range.end) return range;
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
    details: { RangeRequested: header, ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  });
}
