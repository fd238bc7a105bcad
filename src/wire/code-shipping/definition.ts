import type { AppCode } from '../task-envelope.js';

/** What the client keeps of an app's definition beside its code: never sent, and let go with the code. */
export interface Definition {
  /** The functions as they were given. None for an export of a module. */
  readonly fn?: (...args: never[]) => unknown;
  readonly setup?: (...args: never[]) => unknown;
  /** Where the app was defined, `path:line:column`. */
  readonly definedAt: string;
}

const definitions = new WeakMap<AppCode, Definition>();

/** Keeps `definition` for as long as `code` lives. */
export function rememberDefinition(code: AppCode, definition: Definition): void {
  definitions.set(code, definition);
}

/** What was kept of the code's definition, if it was made in this process. */
export function definitionOf(code: AppCode): Definition | undefined {
  return definitions.get(code);
}
