import type { Staging } from '../../data/staging.js';
import type { ModuleEntry } from '../../data/storage-access.js';
import { findModuleFile } from '../../wire/code-shipping/module-file.js';
import { encode } from '../../wire/codec.js';
import { refuseLikelySecrets } from './refuse-secrets.js';
import { resolveMatch, type UrlMatch } from './url-match.js';

/** What the module of a {@link customStaging} exports as `default`. */
export type CreateStaging<O = undefined> = (options: O) => Staging | Promise<Staging>;

/**
 * A staging of one's own: `module` exports by `default` a function that makes it, {@link CreateStaging}. Workers load the
 * module once, and call the function once for each list of stagings; those that do not share the project get it bundled,
 * with what it imports.
 *
 * @param module `new URL('./notes-staging.ts', import.meta.url)`
 * @param options what the function is called with: whatever arguments of apps may be, and no secrets
 * @throws {SluiceError} `NOT_FOUND` when there is no such file, `INVALID_OPTIONS`, `NOT_SENDABLE`
 */
export function customStaging(module: URL | string, options?: unknown, { match }: UrlMatch = {}): ModuleEntry {
  const found = findModuleFile(module, 'customStaging()');
  const entry: ModuleEntry = { kind: 'module', module: found, ...resolveMatch(match, 'customStaging options') };
  return checkModule(options === undefined ? entry : { ...entry, options });
}

/** Holds an entry to what {@link customStaging} promises: it may have been written by hand. */
export function checkModule(entry: ModuleEntry): ModuleEntry {
  const what = `the options of customStaging('${entry.module}')`;
  refuseLikelySecrets(entry.options, what);
  encode(entry.options, { root: what });
  return entry;
}
