import type { AppCode } from '../task-envelope.js';

/** What matters of a worker when code is sent to it. */
export interface CodeDestination {
  readonly sharesProject: boolean;
  readonly sharesFilesystem: boolean;
}

/** Makes code that {@link mustBeBundled} what such a worker can run. Rejects with `CODE_NOT_SHIPPABLE`. */
export type ShipCode = (code: AppCode, destination: CodeDestination) => Promise<AppCode>;

/** Whether code has to be bundled before it can run there. Most has not, and is sent as it is. */
export function mustBeBundled(code: AppCode, destination: CodeDestination): boolean {
  return code.exportName !== undefined || (code.imports !== undefined && !destination.sharesProject);
}
