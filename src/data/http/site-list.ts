import type { HttpSite, ResolvedHttpStagingOptions } from './http-staging-options.js';

/** Finds what the options say of a URL's site; nothing where they say nothing. */
export type FindSite = (url: URL) => HttpSite;

/** A {@link FindSite} over options: the same origin, and the longest path of whole segments that fits. */
export function findSiteIn({ sites }: Pick<ResolvedHttpStagingOptions, 'sites'>): FindSite {
  const known = Object.entries(sites)
    .map(([key, site]) => ({ url: new URL(key), site }))
    .sort((a, b) => b.url.pathname.length - a.url.pathname.length);
  return (url) => known.find((entry) => covers(entry.url, url))?.site ?? {};
}

function covers(site: URL, url: URL): boolean {
  if (site.origin !== url.origin) return false;
  const folder = site.pathname.endsWith('/') ? site.pathname : `${site.pathname}/`;
  return url.pathname === site.pathname || url.pathname.startsWith(folder);
}

/**
 * Headers that a request to `url` carries for its site's sake: never those of another site. `credentials` are the user
 * name and password of the file's own URL, and count at its origin only.
 */
export function siteHeaders(url: URL, site: HttpSite, credentials: UrlCredentials | undefined): Record<string, string> {
  const headers: Record<string, string> = { ...site.headers };
  const authorization = authorizationOf(site, credentials?.origin === url.origin ? credentials : undefined);
  if (authorization === undefined) return headers;
  for (const name of Object.keys(headers)) if (name.toLowerCase() === 'authorization') delete headers[name];
  return { ...headers, authorization };
}

function authorizationOf(site: HttpSite, credentials: UrlCredentials | undefined): string | undefined {
  if (credentials !== undefined) return basic(credentials.username, credentials.password);
  if (site.bearer !== undefined) return `Bearer ${site.bearer}`;
  if (site.username !== undefined) return basic(site.username, site.password ?? '');
  return undefined;
}

/** User name and password that stood in a file's URL, and where they count. */
export interface UrlCredentials {
  readonly origin: string;
  readonly username: string;
  readonly password: string;
}

/** What stands before the `@` of a URL, decoded. */
export function credentialsIn(url: URL): UrlCredentials | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return { origin: url.origin, username: decode(url.username), password: decode(url.password) };
}

// A lone % is a % to those who write passwords.
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
