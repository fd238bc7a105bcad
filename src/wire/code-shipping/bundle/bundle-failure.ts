import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildFailure, Message } from 'esbuild';
import { messageOf, SluiceError } from '../../../errors.js';
import type { AppCode } from '../../task-envelope.js';
import { definitionOf } from '../definition.js';
import { ENTRY_NAME } from './bundle.js';

const WAYS_OUT =
  'install it where that module finds it, or run the app on executors whose workers share your project ({ executors: […] })';

/** What to tell of an app whose code could not be bundled: `CODE_NOT_SHIPPABLE`, unless esbuild itself did not run. */
export function bundleFailure(error: unknown, code: AppCode, folder: string): unknown {
  if (!isBuildFailure(error)) return error;
  const reasons = error.errors.map((message) => reasonOf(message, code, folder));
  return notShippable(code, [...new Set(reasons)].join('; '), error);
}

/** The error of an app that needs packages with machine code. */
export function addonFailure(packages: readonly string[], code: AppCode): SluiceError {
  const names = packages.map((name) => `'${name}'`).join(', ');
  return notShippable(
    code,
    `it needs ${names}, which has a native addon, and machine code cannot be bundled: run the app on executors whose workers share your project ({ executors: […] })`,
  );
}

/** The error of an app that is an export its module does not have. */
export function missingExport(code: AppCode, exports: readonly string[]): SluiceError {
  const has = exports.length === 0 ? 'nothing' : exports.map((name) => `'${name}'`).join(', ');
  return notShippable(code, `${pathOf(code.definedIn)} exports no function '${code.exportName}', but ${has}`);
}

/** The app cannot run on a worker, for `reason`. */
export function notShippable(code: AppCode, reason: string, cause?: unknown): SluiceError {
  const kind = code.kind === 'bash' ? 'bash app' : 'app';
  const definedAt = definitionOf(code)?.definedAt ?? pathOf(code.definedIn);
  return new SluiceError(
    'CODE_NOT_SHIPPABLE',
    `${kind} '${code.name}' cannot be sent to a worker: ${reason}\n  defined at ${definedAt}`,
    cause === undefined ? {} : { cause },
  );
}

function reasonOf({ text, location }: Message, code: AppCode, folder: string): string {
  const isEntry = location === null || location.file.endsWith(ENTRY_NAME);
  const from = isEntry
    ? pathOf(code.definedIn)
    : `${join(folder, location.file)}:${location.line}:${location.column + 1}`;
  const [, name] = /^Could not resolve "(.+)"$/.exec(text) ?? [];
  if (name === undefined) return `${from} cannot be bundled: ${text}`;
  const shown = isEntry || !name.startsWith('/') ? name : relative(folder, name);
  return `its import '${shown}' cannot be resolved from ${from}: ${WAYS_OUT}`;
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url === '' ? process.cwd() : url;
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors) && messageOf(error) !== '';
}
