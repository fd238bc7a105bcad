import { SluiceError } from '../errors.js';

/** An executor serves one kernel, once. @param kind name of its class */
export function startedBefore(label: string, kind: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `executor '${label}' has been started before: make a new ${kind} for each kernel`,
  );
}

/** It has not been started, or is closed. */
export function notRunning(label: string): SluiceError {
  return new SluiceError('WORKER_LOST', `executor '${label}' is not running`);
}
