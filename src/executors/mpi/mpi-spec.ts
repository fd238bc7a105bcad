import { SluiceError } from '../../errors.js';
import type { MpiSpec } from '../../wire/pilot/mpi.js';
import type { Resources } from '../../wire/task-envelope.js';

/** Keys of {@link Resources} that say what an MPI application runs on. */
export const MPI_RESOURCES: readonly (keyof Resources)[] = ['nodes', 'ranks', 'ranksPerNode', 'launcherOptions'];

/** For whom a specification is read. */
export interface MpiPlace {
  /** Name of the app that asks. */
  readonly app: string;
  /** Label of the executor that is to run it. */
  readonly label: string;
  readonly nodesPerBlock: number;
}

/**
 * Fills in what a task leaves out: of `nodes`, `ranks` and `ranksPerNode` any two give the third, and one alone stands
 * for one node, or for one rank on each.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when none of the three is given, one is no positive whole number, or they do
 *   not fit each other; `RESOURCES_NOT_HONOURED` for other keys, and when no block has so many nodes
 */
export function resolveMpiSpec(resources: Resources | undefined, place: MpiPlace): MpiSpec {
  const asked = Object.keys(resources ?? {}) as (keyof Resources)[];
  const others = asked.filter((key) => resources?.[key] !== undefined && !MPI_RESOURCES.includes(key));
  if (others.length > 0) throw refused('RESOURCES_NOT_HONOURED', place, `cannot be given ${others.join(', ')}`);
  const { nodes, ranks, ranksPerNode } = countsOf(resources ?? {}, place);
  const { nodesPerBlock } = place;
  if (nodes > nodesPerBlock) {
    throw refused('RESOURCES_NOT_HONOURED', place, `needs nodes: ${nodes}, and a block has ${nodesPerBlock}`);
  }
  return { nodes, ranks, ranksPerNode, launcherOptions: resources?.launcherOptions ?? '' };
}

type Counts = Pick<MpiSpec, 'nodes' | 'ranks' | 'ranksPerNode'>;

function countsOf(resources: Resources, place: MpiPlace): Counts {
  const given = { nodes: resources.nodes, ranks: resources.ranks, ranksPerNode: resources.ranksPerNode };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue;
    throw refused('INVALID_OPTIONS', place, `needs a positive whole number of ${key}, not ${value}`);
  }
  if (Object.values(given).every((value) => value === undefined)) {
    throw refused('INVALID_OPTIONS', place, 'must say what it runs on: resources: { nodes: 2, ranksPerNode: 4 }');
  }
  const counts = filledIn(given);
  const { nodes, ranks, ranksPerNode } = counts;
  if (ranks < nodes) {
    throw refused('INVALID_OPTIONS', place, `asks for nodes: ${nodes} and for ranks: ${ranks}, so that nodes are idle`);
  }
  if (Math.ceil(ranks / nodes) !== ranksPerNode) {
    const sum = `nodes: ${nodes}, ranks: ${ranks} and ranksPerNode: ${ranksPerNode}`;
    throw refused('INVALID_OPTIONS', place, `asks for ${sum}, which do not fit: leave one of them out`);
  }
  return counts;
}

function filledIn({ nodes, ranks, ranksPerNode }: { [key in keyof Counts]: number | undefined }): Counts {
  const onNodes = nodes ?? (ranks === undefined || ranksPerNode === undefined ? 1 : Math.ceil(ranks / ranksPerNode));
  const onEach = ranksPerNode ?? (ranks === undefined ? 1 : Math.ceil(ranks / onNodes));
  return { nodes: onNodes, ranksPerNode: onEach, ranks: ranks ?? onNodes * onEach };
}

function refused(
  code: 'INVALID_OPTIONS' | 'RESOURCES_NOT_HONOURED',
  { app, label }: MpiPlace,
  why: string,
): SluiceError {
  return new SluiceError(code, `app '${app}' on the MPI executor '${label}' ${why}`);
}
