import { uriEncode } from '../sigv4/uri.js';
import { S3Error } from './s3-error.js';

type Query = ReadonlyMap<string, string>;

/** A whole number between `least` and `most`. @throws {S3Error} `InvalidArgument` */
export function integerParameter(query: Query, name: string, limits: { least: number; most: number }): number {
  const text = query.get(name) ?? '';
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= limits.least && value <= limits.most) return value;
  throw invalidArgument(name, text, `${name} must be an integer between ${limits.least} and ${limits.most}`);
}

/** Size of a page: at most, and by default, 1,000. */
export function pageSize(query: Query, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === '') return LARGEST_PAGE;
  return Math.min(integerParameter(query, name, { least: 0, most: 2 ** 31 - 1 }), LARGEST_PAGE);
}

/** How keys are to be written in a listing: `encoding-type=url` percent-encodes them, all but `/`. */
export function keyEncoder(query: Query): (key: string) => string {
  const type = query.get('encoding-type');
  if (type === undefined) return (key) => key;
  if (type !== 'url') throw invalidArgument('encoding-type', type, 'Invalid Encoding Method specified in Request');
  return (key) => key.split('/').map(uriEncode).join('/');
}

export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', message, { details: { ArgumentName: name, ArgumentValue: value } });
}

const LARGEST_PAGE = 1000;
