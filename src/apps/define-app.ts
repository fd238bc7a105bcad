import { SluiceError } from '../errors.js';
import { captureFunction } from '../wire/code-shipping/capture.js';
import type { AppCode } from '../wire/task-envelope.js';
import { callableApp } from './callable-app.js';
import { type AppOptions, checkAppOptions } from './task-options.js';

/** Looks at the function of an app that ships, and makes the app. @throws {SluiceError} `CODE_NOT_SHIPPABLE`, `INVALID_OPTIONS` */
export function defineShippedApp(
  fn: (...args: never[]) => unknown,
  options: AppOptions,
  shape: { kind: AppCode['kind']; io: boolean },
): ReturnType<typeof callableApp> {
  const { name, source, hash, definedIn, parameterCount, hasRest } = captureFunction(fn, {
    kind: shape.kind,
    ...(options.name !== undefined && { name: options.name }),
  });
  checkAppOptions(options, name);
  if (shape.io && hasRest) throw restError(name);
  // Io may be left out of the parameter list; the call's position for options is then the first one.
  const arity = shape.io ? Math.max(0, parameterCount - 1) : parameterCount;
  const code: AppCode = { name, kind: shape.kind, source, hash, io: shape.io, arity, definedIn };
  return callableApp({ ...options, name, io: shape.io, arity, work: { kind: 'remote', code } });
}

/** Io stands after the parameters, so their number must be fixed. */
export function restError(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' has a rest parameter, so the place of Io after it is not fixed: take an array instead`,
  );
}
