import type { ByteRange } from './store/data-files.js';

/** What a `Range` header comes to for content of a certain size. */
export type AskedRange =
  /** There is none, or none that RFC 9110 knows, which it demands be ignored. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly range: ByteRange }
  /** No byte of it exists. */
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'several' };

/** Reads the range a `Range` header asks for of `size` bytes. */
export function askedRange(header: string | undefined, size: number): AskedRange {
  if (header === undefined || !/^bytes=/i.test(header)) return WHOLE;
  if (header.includes(',')) return { kind: 'several' };
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header.replaceAll(' ', ''));
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return WHOLE;
  if (first === '') return satisfiable({ start: Math.max(size - Number(last), 0), end: size - 1 });
  if (last !== '' && Number(last) < Number(first)) return WHOLE;
  return satisfiable({ start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) });
}

const WHOLE: AskedRange = { kind: 'whole' };

function satisfiable(range: ByteRange): AskedRange {
  return range.start <= range.end ? { kind: 'range', range } : { kind: 'unsatisfiable' };
}
