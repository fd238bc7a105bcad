/**
 * A file's URL as messages and logs may have it: without its password, and of an HTTP query only that there is one, since
 * a signature or a token may be in it. A user's name goes too where it may be a token itself.
 */
export function shownUrl(url: string): string {
  if (!MAY_HOLD_SECRETS.test(url)) return url;
  if (!URL.canParse(url)) return url.replace(/\/\/.*@/s, '//').replace(/\?.*$/s, '?…');
  const shown = new URL(url);
  const isWeb = WEB.has(shown.protocol);
  if (isWeb || shown.password !== '') {
    shown.username = '';
    shown.password = '';
  }
  if (!isWeb) return shown.href;
  const hasQuery = shown.search !== '';
  shown.search = '';
  shown.hash = '';
  return hasQuery ? `${shown.href}?…` : shown.href;
}

const WEB: ReadonlySet<string> = new Set(['http:', 'https:']);
// Keys of object stores may hold anything, and stand in their URLs as they are.
const MAY_HOLD_SECRETS = /^(?!s3:|gs:|file:)[a-z0-9+.-]+:\/\/.*[@?#]/is;
