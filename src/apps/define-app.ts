import { SluiceError } from '../errors.js';
import { findCallSite } from '../wire/code-shipping/call-site.js';
import { type CapturedFunction, captureFunction } from '../wire/code-shipping/capture.js';
import { rememberDefinition } from '../wire/code-shipping/definition.js';
import type { AppCode, OutputForm } from '../wire/task-envelope.js';
import type { SetupOption } from './app.js';
import { callableApp } from './callable-app.js';
import { type AppOptions, checkAppOptions } from './task-options.js';

type Callable = (...args: never[]) => unknown;

/** Looks at the function of an app that ships, and makes the app. @throws {SluiceError} `CODE_NOT_SHIPPABLE`, `INVALID_OPTIONS` */
export function defineShippedApp(
  fn: Callable,
  options: AppOptions & Partial<SetupOption<unknown>> & { readonly returns?: 'exitCode' | OutputForm },
  shape: Pick<AppCode, 'kind' | 'io'>,
): ReturnType<typeof callableApp> {
  const definedAt = new Error('definition').stack ?? '';
  const named = options.name !== undefined && { name: options.name };
  const captured = captureFunction(fn, { kind: shape.kind, definedAt, ...named });
  const { name, source, hash, definedIn, parameterCount, hasRest } = captured;
  checkAppOptions(options, name, shape.kind);
  if (shape.io && hasRest) throw restError(name);
  const { setup, returns = 'exitCode' } = options;
  if (setup !== undefined && !shape.io) throw setupWithoutIo(name);
  const capturedSetup = setup && captureFunction(setup, { kind: 'function', definedAt, name: `${name} setup` });
  // Io may be left out of the parameter list; the call's position for options is then the first one.
  const arity = shape.io ? Math.max(0, parameterCount - 1) : parameterCount;
  const code: AppCode = {
    name,
    kind: shape.kind,
    ...(returns !== 'exitCode' && { returns }),
    source,
    hash,
    io: shape.io,
    arity,
    definedIn,
    ...importsOf(captured, capturedSetup),
    ...(capturedSetup && { setup: setupCode(capturedSetup) }),
  };
  rememberDefinition(code, { fn, definedAt: findCallSite(definedAt).text, ...(setup && { setup }) });
  return callableApp({ ...options, name, io: shape.io, arity, work: { kind: 'remote', code } });
}

/** Io stands after the parameters, so their number must be fixed. */
export function restError(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' has a rest parameter, so the place of Io after it is not fixed: take an array instead`,
  );
}

function importsOf(...functions: readonly (CapturedFunction | undefined)[]): { readonly imports?: readonly string[] } {
  const imports = new Set(functions.flatMap((captured) => captured?.imports ?? []));
  return imports.size === 0 ? {} : { imports: [...imports] };
}

// What a setup imports depends on where it stands.
function setupCode({ source, hash, imports, definedIn }: CapturedFunction): NonNullable<AppCode['setup']> {
  return { source, hash: imports === undefined ? hash : `${hash} ${definedIn}` };
}

function setupWithoutIo(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' has a setup, whose value is io.context, but its function gets no Io: give it { io: true } and a last parameter for Io`,
  );
}
