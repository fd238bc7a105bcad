import vm from 'node:vm';
import { SluiceError } from '../../errors.js';
import type { AppCode } from '../task-envelope.js';
import { PRELUDE_HEAD, suppliedAt } from './prelude-head.js';
import { type FunctionRole, shippedFile } from './shipped-file.js';
import type { ImportSite } from './vite-specifier.js';

/** Where a worker compiles functions. */
export interface CompilePlace {
  /** The worker sees the user's project: bare imports of the function resolve from the module that defined it. */
  readonly sharesProject: boolean;
  /** `file:` URL of the worker's own main module: otherwise they resolve from there. */
  readonly runnerUrl: string;
}

/**
 * The function a client captured, ready to be called on this worker: strict, in the caller's realm, with Node's
 * globals and the names compilers rely on. Stacks show it as a file `sluice-app:<name>`, a setup as
 * `sluice-setup:<name>`.
 *
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE` when this Node does not understand the source.
 */
export function compileFunction(
  code: Pick<AppCode, 'source' | 'name' | 'definedIn'>,
  place: CompilePlace,
  role: FunctionRole = 'app',
): (...args: unknown[]) => unknown {
  const site = importSiteOf(code, place);
  const fn = evaluate(code, site, new URL(`./${shippedFile(role, code.name)}`, site.from).href);
  if (typeof fn === 'function') return fn as (...args: unknown[]) => unknown;
  throw new SluiceError('CODE_NOT_SHIPPABLE', `the source of app '${code.name}' is not a function but ${typeof fn}`);
}

/** From where the imports of a function resolve on a worker. */
export function importSiteOf({ definedIn }: Pick<AppCode, 'definedIn'>, place: CompilePlace): ImportSite {
  const from = place.sharesProject && definedIn !== '' ? definedIn : place.runnerUrl;
  return { from, sharesProject: place.sharesProject };
}

/** Imports a module as Node itself does, whatever this file was compiled or bundled by. */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  silenceDefaultLoader();
  importer ??= vm.compileFunction('return import(url)', ['url'], { filename: import.meta.url, ...DEFAULT_LOADER });
  return Reflect.apply(importer, undefined, [url]) as Promise<Readonly<Record<string, unknown>>>;
}

let importer: ReturnType<typeof vm.compileFunction> | undefined;

function evaluate(code: Pick<AppCode, 'source' | 'name'>, site: ImportSite, filename: string): unknown {
  silenceDefaultLoader();
  const supplied = suppliedAt(site);
  // A line of its own for what is put before the source keeps the positions in stacks those of the source.
  const body = `'use strict'; ${PRELUDE_HEAD} return (\n${code.source}\n);`;
  try {
    const wrapper = vm.compileFunction(body, Object.keys(supplied), { filename, lineOffset: -1, ...DEFAULT_LOADER });
    return Reflect.apply(wrapper, undefined, Object.values(supplied)) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const hint = 'compile it for the Node version of the workers, or run them on a newer one';
    const message = `app '${code.name}' has syntax that Node ${process.version} does not understand: ${error.message}; ${hint}`;
    throw new SluiceError('CODE_NOT_SHIPPABLE', message, { cause: error });
  }
}

// Makes `import()` resolve from `filename`, https://nodejs.org/docs/latest-v20.x/api/vm.html#vmconstantsuse_main_context_default_loader.
const DEFAULT_LOADER = { importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };

let isSilenced = false;

/**
 * Node prints an ExperimentalWarning at the first import through this loader, once a thread, and it would stand in
 * every user's stderr. That first import is made here, where the warning (given before `import()` returns) is dropped.
 */
function silenceDefaultLoader(): void {
  if (isSilenced) return;
  isSilenced = true;
  const { emitWarning } = process;
  try {
    process.emitWarning = () => undefined;
    const importNothing = vm.compileFunction("return import('node:vm')", [], {
      filename: import.meta.url,
      ...DEFAULT_LOADER,
    });
    Reflect.apply(importNothing, undefined, []);
  } finally {
    process.emitWarning = emitWarning;
  }
}
