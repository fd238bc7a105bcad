import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AppCode } from '../../task-envelope.js';
import { ENTRY_NAME } from '../bundle/bundle.js';
import { definitionOf } from '../definition.js';
import type { FunctionRole } from '../shipped-file.js';
import { type FunctionPlace, locateFunction } from './locate-function.js';
import type { Place, Position } from './position.js';
import { bundleWith } from './shipped-bundles.js';
import { type SourceLookup, sourceLookup } from './source-positions.js';

/**
 * A worker's stack with the places in the app's code told in the user's own files, as far as that is known here; the
 * rest stays as it is. Never throws.
 */
export function mapRemoteStack(stack: string, code: AppCode): string {
  return stack.replaceAll(SHIPPED_PLACE, (place, role?: FunctionRole, hash?: string, row?: string, column?: string) => {
    try {
      const position = { line: Number(row) - 1, column: Number(column) - 1 };
      const found = hash === undefined ? inFunction(code, role ?? 'app', position) : inBundle(code, hash, position);
      return found === undefined ? place : shown(found);
    } catch {
      return place;
    }
  });
}

/** Does so for an error and the errors that are its causes and parts. */
export function mapRemoteError(error: unknown, code: AppCode): void {
  const pending: unknown[] = [error];
  const seen = new Set<unknown>();
  while (pending.length > 0) {
    const next = pending.pop();
    if (!(next instanceof Error) || seen.has(next)) continue;
    seen.add(next);
    const { remote, cause, errors } = next as Error & { remote?: { stack?: unknown }; errors?: unknown };
    mapStackOf(next, code);
    if (typeof remote === 'object' && remote !== null) mapStackOf(remote, code);
    pending.push(cause, ...(Array.isArray(errors) ? errors : []));
  }
}

// `…/sluice-app:<name>:3:7` of a function sent as it is, `…/<hash>.mjs:1:2345` of a bundle.
const SHIPPED_PLACE =
  /(?<=\(|at |async )(?:file:\/\/|\/)[^\n]*?\/(?:sluice-(app|setup):[^\s():]*|([0-9a-f]{64})\.mjs(?:\?[^\s():]*)?):(\d+):(\d+)/g;

function mapStackOf(holder: { stack?: unknown }, code: AppCode): void {
  if (typeof holder.stack === 'string') holder.stack = mapRemoteStack(holder.stack, code);
}

function inBundle(code: AppCode, hash: string, position: Position): Place | undefined {
  const bundle = bundleWith(code, hash);
  if (bundle === undefined) return undefined;
  const lookup = once(bundleLookups, bundle, () => sourceLookup(bundle.map, `${pathToFileURL(bundle.folder).href}/`));
  const place = lookup?.(position);
  if (place === undefined || !place.url.endsWith(`/${ENTRY_NAME}`)) return place;
  const { app = 0, setup = Number.POSITIVE_INFINITY } = bundle.firstLines ?? {};
  if (place.line >= setup) return inFunction(code, 'setup', { ...place, line: place.line - setup });
  return inFunction(code, 'app', { ...place, line: place.line - app });
}

const bundleLookups = new WeakMap<object, SourceLookup | undefined>();

/** A place in the source of a shipped function as one in the user's file. */
function inFunction(code: AppCode, role: FunctionRole, { line, column }: Position): Place | undefined {
  const fn = definitionOf(code)?.[role === 'app' ? 'fn' : 'setup'];
  if (fn === undefined) return undefined;
  const start = once(functionPlaces, fn, () => locateFunction(fn));
  if (start === undefined) return undefined;
  // Of a method, its name is not shipped: `function ` stands in place of it.
  const source = role === 'app' ? code.source : (code.setup?.source ?? '');
  const renamed = firstLine(Function.prototype.toString.call(fn)).length - firstLine(source).length;
  const loaded = { line: start.line + line, column: line === 0 ? start.column + column + renamed : column };
  return start.lookup === undefined ? { url: start.url, ...loaded } : start.lookup(loaded);
}

const functionPlaces = new WeakMap<object, FunctionPlace | undefined>();

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

// What cannot be told once is not asked for again.
function once<K extends object, V>(known: WeakMap<K, V | undefined>, key: K, find: () => V): V | undefined {
  if (known.has(key)) return known.get(key);
  let found: V | undefined;
  try {
    found = find();
  } catch {
    // Best effort: the stack stays as the worker wrote it.
  }
  known.set(key, found);
  return found;
}

function shown({ url, line, column }: Place): string {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  return `${file}:${line + 1}:${column + 1}`;
}
