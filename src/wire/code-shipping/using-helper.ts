import { walkTree } from './ast-walk.js';
import type { ParsedFunction } from './parser.js';
import { OXC_USING_HELPER } from './prelude.js';
import type { SourceRange } from './source-excerpt.js';

/**
 * Where the function calls oxc's disposal helper, which vitest and rolldown write for `using`:
 * `var _usingCtx = (0, __vite_ssr_import_3__.default)()`. What they call it depends on the module's other imports; the
 * variable it initialises is always `_usingCtx` and a number.
 */
export function findUsingHelpers({ program }: ParsedFunction): SourceRange[] {
  const callees: SourceRange[] = [];
  walkTree(program, (node) => {
    if (node.type !== 'VariableDeclarator' || node.init?.type !== 'CallExpression') return;
    if (node.id.type !== 'Identifier' || !/^_usingCtx[\d$]*$/.test(node.id.name)) return;
    const { callee, arguments: args } = node.init;
    if (args.length === 0) callees.push({ start: callee.start - 1, end: callee.end - 1 });
  });
  return callees;
}

/** The source with those calls turned into calls of the prelude's helper. */
export function renameUsingHelpers(source: string, helpers: readonly SourceRange[]): string {
  return helpers
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end }) => text.slice(0, start) + OXC_USING_HELPER + text.slice(end), source);
}
