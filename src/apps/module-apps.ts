import { createHash } from 'node:crypto';
import * as z from 'zod';
import { SluiceError } from '../errors.js';
import { parseOptions } from '../parse-options.js';
import { findCallSite } from '../wire/code-shipping/call-site.js';
import { rememberDefinition } from '../wire/code-shipping/definition.js';
import { findModuleFile } from '../wire/code-shipping/module-file.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { App } from './app.js';
import { callableApp } from './callable-app.js';
import type { Io } from './io.js';
import { type AppOptions, checkAppOptions } from './task-options.js';

type Exported = (...args: never[]) => unknown;

/** Names of the exports that are functions. */
type FunctionNames<M> = { [K in keyof M]: M[K] extends Exported ? K : never }[keyof M] & string;

/** Names of those whose last parameter is {@link Io}. */
type IoNames<M> = {
  [K in FunctionNames<M>]: M[K] extends (...args: infer P) => unknown ? (EndsInIo<P> extends true ? K : never) : never;
}[FunctionNames<M>];

type EndsInIo<P extends readonly unknown[]> = P extends readonly [...unknown[], infer L]
  ? unknown extends L
    ? false
    : [L] extends [Io]
      ? true
      : false
  : false;

/** The functions of a module as apps. One whose last parameter is Io gets it; calls give its options by `.with({ … })`. */
export type ModuleApps<M> = {
  readonly [K in FunctionNames<M>]: M[K] extends (...args: infer P) => infer R
    ? App<EndsInIo<P> extends true ? (P extends readonly [...infer A, unknown] ? A : never) : P, Awaited<R>>
    : never;
};

/** Options of one export: those of an app, and `io: true` where its function gets {@link Io} last. */
export type ExportOptions<M> = { readonly [K in IoNames<M>]: AppOptions & { readonly io: true } } & {
  readonly [K in Exclude<FunctionNames<M>, IoNames<M>>]?: AppOptions & { readonly io?: false };
};

/** Options of {@link apps}: those of every app of the module, and in `exports` what differs for some. */
export type ModuleOptions<M> = Omit<AppOptions, 'name'> &
  (IoNames<M> extends never
    ? { readonly exports?: ExportOptions<M> }
    : { /** Those whose function gets Io have to say so. */ readonly exports: ExportOptions<M> });

type OptionsArgument<M> = IoNames<M> extends never ? [options?: ModuleOptions<M>] : [options: ModuleOptions<M>];

/**
 * The functions that a module exports, as apps: `apps<typeof import('./tasks.js')>(new URL('./tasks.js',
 * import.meta.url))`. The module ships whole, TypeScript too, with what it imports, and is loaded once a worker: its
 * own variables live as long as that. It is bundled at the first call; a name that it does not export fails that call's
 * task with `CODE_NOT_SHIPPABLE`.
 *
 * @throws {SluiceError} `NOT_FOUND` when there is no such file, `INVALID_OPTIONS`
 */
export function apps<M extends object>(module: URL | string, ...[options]: OptionsArgument<M>): ModuleApps<M> {
  const definedIn = findModuleFile(module);
  const { exports = {}, ...shared } = checked(options ?? {}, definedIn);
  const definedAt = findCallSite(new Error('definition').stack ?? '').text;
  const made = new Map<string, unknown>();
  const define = (name: string): unknown => {
    const own = Object.hasOwn(exports, name) ? exports[name] : {};
    return defineExport(name, { ...shared, ...own }, { definedIn, definedAt });
  };
  for (const name of Object.keys(exports)) made.set(name, define(name));
  return new Proxy(Object.create(null) as ModuleApps<M>, {
    get(_, name) {
      // What awaits a value asks it for `then`.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (!made.has(name)) made.set(name, define(name));
      return made.get(name);
    },
  });
}

type AnyOptions = AppOptions & { readonly io?: boolean };

function defineExport(
  exportName: string,
  options: AnyOptions,
  { definedIn, definedAt }: { readonly definedIn: string; readonly definedAt: string },
): unknown {
  const name = options.name ?? exportName;
  checkAppOptions(options, name);
  if (Object.hasOwn(options, 'setup')) throw setupOfModule(name);
  const io = options.io === true;
  // What the module has in it is known when it is bundled: so are the code's own hash, and the place of Io.
  const hash = createHash('sha256').update(`${definedIn} ${exportName}`).digest('hex');
  const code: AppCode = { name, kind: 'function', source: '', hash, io, arity: 0, definedIn, exportName };
  rememberDefinition(code, { definedAt });
  return callableApp({ ...options, name, io: false, arity: 0, work: { kind: 'remote', code } });
}

function setupOfModule(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' is a function of a module, and has no use for setup: what the module does when it is loaded runs once a worker`,
  );
}

const schema = z.looseObject({ exports: z.record(z.string(), z.record(z.string(), z.unknown())).exactOptional() });

function checked(options: object, definedIn: string): AppOptions & { readonly exports?: Record<string, AnyOptions> } {
  const what = `options of apps('${definedIn}')`;
  const parsed = parseOptions(schema, options, what);
  const { exports: _, ...shared } = parsed;
  checkAppOptions(shared, definedIn);
  if (Object.hasOwn(shared, 'name')) {
    throw new SluiceError('INVALID_OPTIONS', `${what}: each app has the name of its export; name one in exports`);
  }
  return options;
}
