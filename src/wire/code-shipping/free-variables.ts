import type { AnyNode, Identifier } from 'acorn';
import { walkTree } from './ast-walk.js';
import { type ParsedFunction, unresolvedReferences } from './parser.js';
import type { SourceRange } from './source-excerpt.js';

/** A variable a function uses and does not declare; `import.meta` counts as one. */
export interface FreeVariable {
  readonly name: string;
  /** The first use, in the function's source. */
  readonly range: SourceRange;
  /** Names of the properties read from it, '' where it is used as it is; in order of use, each once. */
  readonly members: readonly string[];
}

/** Every free variable of the function in order of first use, without uses by `typeof` and those inside `except`. */
export function findFreeVariables(
  parsed: ParsedFunction,
  options: { readonly except: readonly SourceRange[] },
): FreeVariable[] {
  const uses: Use[] = [];
  const parents = new Map<AnyNode, AnyNode | undefined>();
  walkTree(parsed.program, (node, parent) => {
    parents.set(node, parent);
    if (node.type === 'MetaProperty' && node.meta.name === 'import')
      uses.push({ name: 'import.meta', node, member: '' });
  });
  for (const node of unresolvedReferences(parsed.program)) {
    const parent = parents.get(node);
    if (parent?.type === 'UnaryExpression' && parent.operator === 'typeof') continue;
    if (options.except.some(({ start, end }) => start < node.start && node.end <= end + 1)) continue;
    uses.push({ name: node.name, node, member: memberOf(node, parent) });
  }
  return groupByName(uses.sort((a, b) => a.node.start - b.node.start));
}

interface Use {
  readonly name: string;
  readonly node: AnyNode;
  readonly member: string;
}

function groupByName(uses: readonly Use[]): FreeVariable[] {
  const groups = new Map<string, { name: string; range: SourceRange; members: string[] }>();
  for (const { name, node, member } of uses) {
    const group = groups.get(name) ?? { name, range: { start: node.start - 1, end: node.end - 1 }, members: [] };
    if (!group.members.includes(member)) group.members.push(member);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function memberOf(object: Identifier, parent: AnyNode | undefined): string {
  const isRead = parent?.type === 'MemberExpression' && parent.object === object && !parent.computed;
  return isRead && parent.property.type === 'Identifier' ? parent.property.name : '';
}
