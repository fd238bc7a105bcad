import { pathToFileURL } from 'node:url';
import { parseFunctionSource } from '../function-source.js';
import { findStaticImports } from '../imports.js';
import { PRELUDE_HEAD, SUPPLIED_NAMES } from '../prelude-head.js';
import type { FunctionRole } from '../shipped-file.js';
import { resolveViteSpecifier } from '../vite-specifier.js';

/** The text of a module made of shipped functions, and where each begins in it. */
export interface FunctionModule {
  readonly text: string;
  /** Index, from 0, of the line on which the source of each function begins, at column 0. */
  readonly firstLines: Readonly<Partial<Record<FunctionRole, number>>>;
}

/**
 * A module that exports `app`, and `setup` where there is one: each makes the function, given the values of
 * {@link SUPPLIED_NAMES} as an object. Imports that Vite rewrote are imports again.
 */
export function functionModule(
  sources: Readonly<Partial<Record<FunctionRole, string>>>,
  definedIn: string,
): FunctionModule {
  const firstLines: Partial<Record<FunctionRole, number>> = {};
  const lines: string[] = [];
  for (const role of ['app', 'setup'] as const) {
    const source = sources[role];
    if (source === undefined) continue;
    lines.push(`export const ${role} = ({ ${SUPPLIED_NAMES.join(', ')} }) => { ${PRELUDE_HEAD} return (`);
    firstLines[role] = lines.length;
    lines.push(...withPlainImports(source, definedIn).split('\n'), ');};');
  }
  return { text: lines.join('\n'), firstLines };
}

function withPlainImports(source: string, definedIn: string): string {
  const result = parseFunctionSource(source);
  if (result.kind === 'refused') return source;
  const site = { from: definedIn === '' ? pathToFileURL(process.cwd()).href : definedIn, sharesProject: true };
  const edits = findStaticImports(result.parsed).flatMap(({ specifier, range, viteCallee }) => {
    if (viteCallee === undefined) return [];
    const resolved = JSON.stringify(resolveViteSpecifier(specifier, site));
    return [
      { ...viteCallee, text: 'import' },
      { ...range, text: resolved },
    ];
  });
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), source);
}
