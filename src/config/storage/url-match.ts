import { SluiceError } from '../../errors.js';
import { refuseSecretUrl } from './refuse-secrets.js';

/** Which URLs a staging is for. */
export interface UrlMatch {
  /**
   * Beginnings of URLs, as written: `s3://public-data/`, `https://example.org/genomes/`. A host or bucket is always whole.
   * Default: every URL of its schemes.
   */
  match?: string | readonly string[];
}

/** The beginnings in one form. @throws {SluiceError} `INVALID_OPTIONS` for one that has no scheme, or a secret */
export function resolveMatch(match: UrlMatch['match'], what: string): { readonly match?: readonly string[] } {
  if (match === undefined) return {};
  const given: unknown = typeof match === 'string' ? [match] : match;
  if (!Array.isArray(given) || given.length === 0) throw notOne(what, given);
  return { match: given.map((one: unknown) => whole(one, what)) };
}

function whole(one: unknown, what: string): string {
  if (typeof one !== 'string' || !/^[a-z][a-z0-9+.-]*:/.test(one)) throw notOne(what, one);
  refuseSecretUrl(one, `${what}: match`);
  // `s3://public` must not fit the bucket `public-too`.
  return /^[a-z0-9+.-]+:\/\/[^/]+$/.test(one) ? `${one}/` : one;
}

function notOne(what: string, given: unknown): SluiceError {
  const shown = typeof given === 'string' ? JSON.stringify(given) : `a ${typeof given}`;
  return new SluiceError(
    'INVALID_OPTIONS',
    `${what}: match must be the beginning of URLs, such as s3://bucket/, or a list of them, not ${shown}`,
  );
}
