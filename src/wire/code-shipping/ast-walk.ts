import type { AnyNode } from 'acorn';

/** Calls `visit` with every node below `root` (itself included) and its parent, in source order, parents first. */
export function walkTree(root: AnyNode, visit: (node: AnyNode, parent: AnyNode | undefined) => void): void {
  const pending: [AnyNode, AnyNode | undefined][] = [[root, undefined]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, parent] = next;
    visit(node, parent);
    for (const child of Object.values(node).flat().reverse()) if (isNode(child)) pending.push([child, node]);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
