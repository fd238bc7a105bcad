import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RuntimeError } from './error-report.js';

/** A function's handler: what it returns or resolves with is the response. */
export type Handler = (event: unknown, context: object) => unknown;

/**
 * Imports `folder/module.export` and returns the exported function; `.js`, `.mjs` and `.cjs` are tried in this order.
 *
 * @throws {RuntimeError} `Runtime.MalformedHandlerName`, `Runtime.ImportModuleError`, `Runtime.UserCodeSyntaxError` or
 *   `Runtime.HandlerNotFound`, as AWS's own Node.js runtime names them; whatever else the module throws while it loads
 *   is thrown as it is.
 */
export async function loadHandler(taskRoot: string, handlerName: string): Promise<Handler> {
  const match = /^([^.]+)\.(.+)$/.exec(basename(handlerName));
  if (match === null || handlerName.includes('..'))
    throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  const [, moduleName = '', exportPath = ''] = match;
  const loaded = await importModule(resolve(taskRoot, dirname(handlerName), moduleName), moduleName);
  const handler = property(loaded, exportPath) ?? property(property(loaded, 'default'), exportPath);
  if (typeof handler === 'function') return handler as Handler;
  const problem = handler === undefined ? 'undefined or not exported' : 'not a function';
  throw new RuntimeError('Runtime.HandlerNotFound', `${handlerName} is ${problem}`);
}

async function importModule(stem: string, moduleName: string): Promise<unknown> {
  const path = ['.js', '.mjs', '.cjs'].map((extension) => stem + extension).find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new RuntimeError('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}'`);
  }
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', String(error), error);
    if (isModuleNotFound(error)) throw new RuntimeError('Runtime.ImportModuleError', String(error), error);
    throw error;
  }
}

function isModuleNotFound(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
}

function property(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}
