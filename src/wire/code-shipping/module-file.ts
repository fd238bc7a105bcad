import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../../errors.js';

/**
 * The `file:` URL of a module of the user's: where the JavaScript that is named has not been compiled yet, that of its
 * TypeScript beside it.
 *
 * @param taker who asks, for errors
 * @throws {SluiceError} `NOT_FOUND` naming the file, `INVALID_OPTIONS` when the URL is none of a file
 */
export function findModuleFile(module: URL | string, taker = 'apps()'): string {
  const url = parseUrl(module, taker);
  const candidates = [url, url.replace(/\.([cm]?)jsx?$/, '.$1ts'), url.replace(/\.jsx?$/, '.tsx')];
  const found = candidates.find((candidate) => existsSync(fileURLToPath(candidate)));
  if (found !== undefined) return found;
  throw new SluiceError('NOT_FOUND', `there is no module ${fileURLToPath(url)}: ${taker} takes the URL of one`);
}

function parseUrl(module: URL | string, taker: string): string {
  const url = URL.canParse(String(module)) ? new URL(module) : undefined;
  if (url?.protocol === 'file:') {
    url.search = '';
    url.hash = '';
    return url.href;
  }
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${taker} takes the file: URL of a module, such as new URL('./tasks.js', import.meta.url), not ${String(module)}`,
  );
}
