import { SluiceError } from '../errors.js';

/** Whether a URL names a file that lives no longer than the run, and wherever it was made: `temp:parts/a.csv`. */
export function isTemporary(url: string): boolean {
  return url.startsWith('temp:');
}

/** Whether any of the URLs does. Cheap where there are none. */
export function namesTemporary(urls: readonly string[]): boolean {
  return urls.length > 0 && urls.some(isTemporary);
}

/** @throws {SluiceError} `INVALID_OPTIONS` when the URL is no name within a run: segments with a slash between them */
export function checkTemporaryName(url: string): void {
  const name = url.slice('temp:'.length);
  const segments = name.endsWith('/') ? name.slice(0, -1).split('/') : name.split('/');
  if (segments.every((segment) => !/^\.{0,2}$/.test(segment)) && !/[?#]/.test(name)) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${JSON.stringify(url)} names no temporary file: write temp: and a name, such as temp:parts/a.csv; ? and # as %3F and %23`,
  );
}
