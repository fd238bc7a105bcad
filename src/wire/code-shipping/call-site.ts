import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where in the user's code an app was defined. */
export interface CallSite {
  /** `file:` URL of the module, or '' when the stack does not say. */
  readonly url: string;
  /** `path:line:column`, for messages; `an unknown place` when the stack does not say. */
  readonly text: string;
}

/**
 * The first frame of a stack that is neither Sluice's own nor Node's.
 *
 * Where Sluice is bundled with the user's code, frames cannot be told apart by their file: the stack should begin at
 * the user's call (`Error.captureStackTrace(error, app)`).
 */
export function findCallSite(stack: string): CallSite {
  for (const line of stack.split('\n')) {
    const site = parseFrame(line);
    if (site !== undefined && !OWN_ROOTS.some((root) => site.url.startsWith(root))) return site;
  }
  return { url: '', text: 'an unknown place' };
}

// Source maps make frames of `dist/` look like `src/`; there is neither when this file was bundled into another one.
const OWN_ROOTS = /\/wire\/code-shipping\/call-site\.[jt]s$/.test(new URL(import.meta.url).pathname)
  ? ['../../../src/', '../../../dist/'].map((root) => new URL(root, import.meta.url).href)
  : [];

/** One line of V8's stack format, https://v8.dev/docs/stack-trace-api: `at name (place:line:column)` or `at place:…`. */
function parseFrame(line: string): CallSite | undefined {
  const match = /^\s*at (?:async )?(?:.*? \()?((?:file:\/\/|\/|[A-Za-z]:[\\/]).+?):(\d+):(\d+)\)?$/.exec(line);
  if (match === null) return undefined;
  const [, place = '', row, column] = match;
  // Loaders add queries to module URLs.
  const url = place.startsWith('file:') ? place.replace(/[?#].*$/, '') : pathToFileURL(place).href;
  return { url, text: `${fileURLToPath(url)}:${row}:${column}` };
}
