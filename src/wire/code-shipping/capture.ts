import { createHash } from 'node:crypto';
import { SluiceError } from '../../errors.js';
import { findCallSite } from './call-site.js';
import { findFreeVariables } from './free-variables.js';
import { parseFunctionSource } from './function-source.js';
import { findImports } from './imports.js';
import { missingVariables, type RefusedFunction, refusedFunction } from './not-shippable.js';
import type { ParsedFunction } from './parser.js';
import { PRELUDE_NAMES } from './prelude.js';
import { findUsingHelpers, renameUsingHelpers } from './using-helper.js';
import { WORKER_GLOBALS } from './worker-globals.js';

type Callable = (...args: never[]) => unknown;

/** What the definition of an app tells about its function. */
export interface CaptureContext {
  /** The app's name. Default: the function's own, or `anonymous`. */
  readonly name?: string;
  readonly kind: 'function' | 'bash';
  /**
   * An error made where the app was defined, or its stack: best one that begins at the user's frame
   * (`Error.captureStackTrace(error, app)`). Default: made here.
   */
  readonly definedAt?: Error | string;
}

/** Parameters as the parser counts them. */
export interface ParameterList {
  /** One with a default or a pattern counts, a rest parameter does not. */
  readonly parameterCount: number;
  readonly hasRest: boolean;
}

/** A function as it ships. */
export interface CapturedFunction extends ParameterList {
  readonly name: string;
  /** Source of one function expression: `(${source})` evaluates to the function. */
  readonly source: string;
  /** SHA-256 of the source, hex. */
  readonly hash: string;
  /** `file:` URL of the module that defined the app, or '' when unknown. */
  readonly definedIn: string;
  /** What the function imports by name and Node does not have, each once; absent when there is nothing. */
  readonly imports?: readonly string[];
}

/**
 * Takes a function's source for running it on workers, and makes sure that it can: it may use its parameters, what it
 * declares, what it imports itself, and Node's globals. Parses, so called once a definition.
 *
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE`: it is no plain function, or it uses variables workers will not have. The
 * message names every such variable, shows the first use and the call site, and says the ways out.
 * @throws {SluiceError} `INVALID_OPTIONS` when `fn` is not a function.
 */
export function captureFunction(fn: Callable, context: CaptureContext): CapturedFunction {
  if (typeof fn !== 'function') throw notFunction(fn);
  const name = context.name ?? (fn.name === '' ? 'anonymous' : fn.name);
  const callSite = findCallSite(stackOf(context.definedAt));
  const refused: Omit<RefusedFunction, 'source'> = { name, kind: context.kind, names: [name, fn.name], callSite };

  const result = parseFunctionSource(textOf(fn));
  if (result.kind === 'refused') {
    const range = result.start === undefined ? undefined : { start: result.start, end: result.start + 1 };
    throw refusedFunction({ ...refused, source: result.source }, result.reason, range);
  }
  const source = selfContainedSource(result.parsed, refused);
  const hash = createHash('sha256').update(source).digest('hex');
  const imports = findImports(result.parsed);
  return {
    name,
    source,
    hash,
    ...parameterList(result.parsed),
    definedIn: callSite.url,
    ...(imports.length > 0 && { imports }),
  };
}

/**
 * The parameters of a function that need not ship, such as the body of a join app, counted as {@link captureFunction}
 * counts them.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when it is no plain function, or has no source.
 */
export function countParameters(fn: Callable): ParameterList {
  if (typeof fn !== 'function') throw notFunction(fn);
  const result = parseFunctionSource(textOf(fn), { checkPrivateFields: false, allowSuperOutsideMethod: true });
  if (result.kind === 'function') return parameterList(result.parsed);
  throw new SluiceError('INVALID_OPTIONS', `the parameters of '${fn.name}' cannot be counted: ${result.reason}`);
}

function parameterList({ fn }: ParsedFunction): ParameterList {
  const hasRest = fn.params.at(-1)?.type === 'RestElement';
  return { parameterCount: fn.params.length - (hasRest ? 1 : 0), hasRest };
}

function textOf(fn: Callable): string {
  return Function.prototype.toString.call(fn);
}

function notFunction(value: unknown): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `an app needs a function, not ${value === null ? 'null' : typeof value}`);
}

function selfContainedSource(parsed: ParsedFunction, refused: Omit<RefusedFunction, 'source'>): string {
  const helpers = findUsingHelpers(parsed);
  const [first, ...others] = findFreeVariables(parsed, { except: helpers }).filter(
    ({ name }) => !WORKER_GLOBALS.has(name) && !PRELUDE_NAMES.has(name),
  );
  if (first !== undefined) throw missingVariables({ ...refused, source: parsed.source }, [first, ...others]);
  return renameUsingHelpers(parsed.source, helpers);
}

function stackOf(definedAt: Error | string | undefined): string {
  const stack = typeof definedAt === 'string' ? definedAt : (definedAt ?? new Error('definition')).stack;
  return stack ?? '';
}
