import { SluiceError } from '../errors.js';
import { type CompilePlace, compileFunction, importSiteOf } from '../wire/code-shipping/compile.js';
import { suppliedAt } from '../wire/code-shipping/prelude-head.js';
import type { AppCode, CodeBundle } from '../wire/task-envelope.js';
import { type BundleParts, loadBundle } from './load-bundle.js';

/** A function of the user's, as a worker calls it. */
export type AppFunction = (...args: unknown[]) => unknown;

/** An app's code, ready to run. */
export interface LoadedCode {
  readonly fn: AppFunction;
  readonly setup: AppFunction | undefined;
}

/** The apps a worker has seen, by the hash of their code. */
export interface CodeCache {
  /** The code, at once where it is known or needs no bundle. Fails with `CODE_NOT_SHIPPABLE`, or as fetching and importing do. */
  get(app: AppCode): LoadedCode | Promise<LoadedCode>;
}

/** What a cache is given by its worker. */
export interface CodeCacheParts extends CompilePlace, BundleParts {}

export function createCodeCache(parts: CodeCacheParts): CodeCache {
  const known = new Map<string, { readonly app: AppCode; readonly code: LoadedCode }[]>();
  const loading = new Map<string, Promise<LoadedCode>>();

  const keep = (app: AppCode, code: LoadedCode): LoadedCode => {
    const others = known.get(app.hash) ?? [];
    others.push({ app, code });
    known.set(app.hash, others);
    return code;
  };
  const load = async (app: AppCode, bundle: CodeBundle): Promise<LoadedCode> => {
    const exports = await loadBundle(bundle, parts);
    return keep(
      app,
      app.exportName === undefined ? functionsOf(app, exports, parts) : exportOf(app, app.exportName, exports),
    );
  };
  const loadOnce = (app: AppCode, bundle: CodeBundle): Promise<LoadedCode> => {
    const started = loading.get(app.hash) ?? load(app, bundle).finally(() => loading.delete(app.hash));
    loading.set(app.hash, started);
    return started;
  };

  return {
    get(app) {
      const found = known.get(app.hash)?.find((entry) => isSame(entry.app, app));
      if (found !== undefined) return found.code;
      const { bundle } = app;
      if (bundle !== undefined) return loadOnce(app, bundle);
      return keep(app, compiled(app, parts));
    },
  };
}

// One source under two names, or in two modules, has other stacks and other imports.
function isSame(a: AppCode, b: AppCode): boolean {
  return a.name === b.name && a.definedIn === b.definedIn && a.setup?.hash === b.setup?.hash;
}

function compiled(app: AppCode, place: CompilePlace): LoadedCode {
  const { setup } = app;
  return {
    fn: compileFunction(app, place),
    setup: setup && compileFunction({ ...app, source: setup.source }, place, 'setup'),
  };
}

function functionsOf(app: AppCode, exports: Readonly<Record<string, unknown>>, place: CompilePlace): LoadedCode {
  const supplied = suppliedAt(importSiteOf(app, place));
  const made = (name: string): AppFunction => (exports[name] as (names: object) => AppFunction)(supplied);
  return { fn: made('app'), setup: app.setup && made('setup') };
}

function exportOf(app: AppCode, name: string, exports: Readonly<Record<string, unknown>>): LoadedCode {
  // Of a CommonJS module, a bundle exports what `module.exports` was as the default.
  const all = { ...(isObject(exports.default) ? exports.default : undefined), ...exports };
  const fn = Object.hasOwn(all, name) ? all[name] : undefined;
  if (typeof fn === 'function') return { fn: fn as AppFunction, setup: undefined };
  const functions = Object.keys(all).filter((key) => typeof all[key] === 'function');
  const has = functions.length === 0 ? 'none' : functions.map((key) => `'${key}'`).join(', ');
  throw new SluiceError(
    'CODE_NOT_SHIPPABLE',
    `app '${app.name}': ${app.definedIn} exports no function '${name}'; its functions are ${has}`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}
