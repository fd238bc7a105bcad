/**
 * Reduces `leaves` to one in layers, `fanIn` at a time; nothing is awaited here, so futures make a tree of tasks whose
 * branches merge as soon as their own leaves are done.
 *
 * A branch of one leaf is passed up as it is. At least one leaf, and a `fanIn` of at least 2, are needed.
 */
export function reduceTree<T>(leaves: readonly T[], fanIn: number, merge: (branch: readonly T[]) => T): T {
  const [only, ...others] = leaves;
  if (only === undefined) throw new RangeError('nothing to reduce');
  if (others.length === 0) return only;
  const branches = Array.from({ length: Math.ceil(leaves.length / fanIn) }, (_, branch) =>
    leaves.slice(branch * fanIn, (branch + 1) * fanIn),
  );
  return reduceTree(
    branches.map((branch) => (branch.length === 1 ? (branch[0] as T) : merge(branch))),
    fanIn,
    merge,
  );
}
