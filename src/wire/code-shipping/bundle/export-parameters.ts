import type { AnyNode, Program } from 'acorn';
import { parseModule } from '../parser.js';

/** How the parameters of an exported function were counted: one with a default or a pattern counts. */
export type ExportParameters =
  | { readonly kind: 'counted'; readonly parameterCount: number; readonly hasRest: boolean }
  | { readonly kind: 'unknown' };

/** Counts the parameters of the function that the module exports as `name`, where its text shows the function. */
export function exportParameters(moduleText: string, name: string): ExportParameters {
  const program = parseModule(moduleText, {});
  const fn = declaredAs(localNameOf(program, name), program);
  if (fn === undefined) return { kind: 'unknown' };
  const hasRest = fn.params.at(-1)?.type === 'RestElement';
  return { kind: 'counted', parameterCount: fn.params.length - (hasRest ? 1 : 0), hasRest };
}

// esbuild writes all exports of a bundle as `export { local as name }`.
function localNameOf(program: Program, name: string): string | undefined {
  for (const node of program.body) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    for (const { exported, local } of node.specifiers) {
      if (exported.type === 'Identifier' && exported.name === name && local.type === 'Identifier') return local.name;
    }
  }
  return undefined;
}

function declaredAs(local: string | undefined, program: Program): { params: readonly AnyNode[] } | undefined {
  for (const node of program.body) {
    if (node.type === 'FunctionDeclaration' && node.id?.name === local) return node;
    if (node.type !== 'VariableDeclaration') continue;
    for (const { id, init } of node.declarations) {
      if (id.type === 'Identifier' && id.name === local) return functionIn(init);
    }
  }
  return undefined;
}

// `keepNames` wraps functions: `__name((a, b) => …, "name")`.
function functionIn(node: AnyNode | null | undefined): { params: readonly AnyNode[] } | undefined {
  if (node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression') return node;
  if (node?.type !== 'CallExpression' || node.callee.type !== 'Identifier') return undefined;
  return /^__name\d*$/.test(node.callee.name) ? functionIn(node.arguments[0]) : undefined;
}
