import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of the compiled main of an execution environment.
 *
 * Environments are plain `node` processes, which cannot run this project's sources: when this module itself runs
 * from `src/` (under a test runner), the file that `npm run build` made of it below `dist/` is named instead.
 */
export function bootstrapPath(moduleUrl: string = import.meta.url): string {
  const path = fileURLToPath(new URL('./runtime/main.js', moduleUrl));
  if (!moduleUrl.endsWith('.ts')) return path;
  const source = `${sep}src${sep}local-cloud${sep}`;
  const at = path.lastIndexOf(source);
  return `${path.slice(0, at)}${sep}dist${sep}local-cloud${sep}${path.slice(at + source.length)}`;
}
