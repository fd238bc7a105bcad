import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Claim } from './claim.js';

/** The key derived from a secret for one day, region and service. */
export function signingKey(secret: string, claim: Claim): Buffer {
  const parts = [claim.date, claim.region, claim.service, 'aws4_request'];
  const name = [secret, ...parts].join('/');
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = parts.reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
  // What a claim says is not verified yet: anybody may ask for the keys of days and services that never were.
  if (keys.size >= MOST_KEYS) keys.clear();
  keys.set(name, key);
  return key;
}

// Deriving a key takes four hashes, most of the work of a check; all requests of a day need the same few.
const MOST_KEYS = 16;
const keys = new Map<string, Buffer>();

/** What a request's signature signs. */
export function stringToSign(claim: Claim, canonicalRequest: string): string {
  return ['AWS4-HMAC-SHA256', claim.amzDate, credentialScope(claim), sha256Hex(canonicalRequest)].join('\n');
}

/** `date/region/service/aws4_request`. */
export function credentialScope(claim: Claim): string {
  return `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
}

/** HMAC-SHA256, hex. */
export function sign(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex');
}

/** SHA-256 of the text's UTF-8, hex. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whether two signatures are the same, in a time that does not tell how much of them is. */
export function sameSignature(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
