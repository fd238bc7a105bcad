import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where a compiled function runs. */
export interface ImportSite {
  /** `file:` URL from which the function's imports resolve. */
  readonly from: string;
  /** The worker sees the project the function was written in. */
  readonly sharesProject: boolean;
}

/**
 * The specifier Node understands for one that Vite's SSR transform rewrote: `/@fs/<absolute path>` or
 * `/<path from Vite's root>`. Without the project at hand, a file of a package becomes that package.
 */
export function resolveViteSpecifier(specifier: unknown, site: ImportSite): unknown {
  if (typeof specifier !== 'string' || !specifier.startsWith('/')) return specifier;
  const path = specifier.replace(/[?#].*$/, '').replace(/^\/@fs(?=\/)/, '');
  const packageName = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (!site.sharesProject) return packageName ?? specifier;
  if (specifier.startsWith('/@fs/')) return pathToFileURL(path).href;
  return findUpwards(`.${path}`, new URL('.', site.from)) ?? specifier;
}

function findUpwards(path: string, folder: URL): string | undefined {
  const candidate = new URL(path, folder);
  if (existsSync(fileURLToPath(candidate))) return candidate.href;
  const parent = new URL('..', folder);
  return parent.href === folder.href ? undefined : findUpwards(path, parent);
}
