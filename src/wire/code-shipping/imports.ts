import { isBuiltin } from 'node:module';
import type { AnyNode } from 'acorn';
import { walkTree } from './ast-walk.js';
import type { ParsedFunction } from './parser.js';
import { VITE_DYNAMIC_IMPORT } from './prelude.js';
import type { SourceRange } from './source-excerpt.js';

/** One `import('…')` of a function, its specifier written out. */
export interface StaticImport {
  readonly specifier: string;
  /** The specifier with its quotes, in the function's source. */
  readonly range: SourceRange;
  /** What Vite's SSR transform wrote in place of `import`, in the function's source. */
  readonly viteCallee: SourceRange | undefined;
}

/** What the function imports by name and Node does not have, each once, in source order. */
export function findImports(parsed: ParsedFunction): string[] {
  const specifiers = findStaticImports(parsed).map(({ specifier }) => specifier);
  return [...new Set(specifiers.filter(isOfProject))];
}

/** Every import of the function whose specifier is written out, in source order. */
export function findStaticImports({ program }: ParsedFunction): StaticImport[] {
  const found: StaticImport[] = [];
  walkTree(program, (node) => {
    const { specifierNode, viteCallee } = importOf(node);
    const specifier = textOf(specifierNode);
    if (specifierNode === undefined || specifier === undefined) return;
    found.push({ specifier, range: rangeOf(specifierNode), viteCallee: viteCallee && rangeOf(viteCallee) });
  });
  return found;
}

function importOf(node: AnyNode): { specifierNode?: AnyNode; viteCallee?: AnyNode } {
  if (node.type === 'ImportExpression') return { specifierNode: node.source };
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return {};
  const [specifierNode] = node.arguments;
  if (node.callee.name !== VITE_DYNAMIC_IMPORT || specifierNode === undefined) return {};
  return { specifierNode, viteCallee: node.callee };
}

function textOf(node: AnyNode | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined;
  return node.quasis[0]?.value.cooked ?? undefined;
}

// The tree is that of the source in a parenthesis.
function rangeOf({ start, end }: AnyNode): SourceRange {
  return { start: start - 1, end: end - 1 };
}

/** Whether a specifier leads into the user's project: not to Node, nor to a URL that says it all. */
function isOfProject(specifier: string): boolean {
  return !specifier.startsWith('node:') && !specifier.startsWith('data:') && !isBuiltin(specifier);
}
