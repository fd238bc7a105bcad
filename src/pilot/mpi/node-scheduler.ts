import { SluiceError } from '../../errors.js';

/** A task that wants nodes for itself alone. */
export interface NodeRequest {
  /** Never given twice. */
  readonly key: number;
  readonly nodes: number;
  /** The lowest goes first. */
  readonly priority: number;
}

/** A task that may start, and where. */
export interface NodeGrant {
  readonly key: number;
  readonly nodes: readonly string[];
}

// How often a task may be passed over by later ones that are no more urgent.
const PASSES = 8;

/**
 * Gives the nodes of a block to tasks, several at a time and each node to one of them. Those that wait go by priority,
 * then by size, the smallest first, and whoever fits starts. So that a large task does not wait for ever, one that eight
 * later ones have passed, none more urgent than it, closes the line behind it until it has its nodes. Does no I/O.
 */
export class NodeScheduler {
  readonly #nodes: readonly string[];
  readonly #given = new Map<number, readonly string[]>();
  /** In the order in which they came. */
  readonly #waiting: Waiting[] = [];
  readonly #free: Set<string>;

  /** @param nodes names, each once */
  constructor(nodes: readonly string[]) {
    this.#nodes = nodes;
    this.#free = new Set(nodes);
  }

  get free(): number {
    return this.#free.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Takes a task in. Answers with all that may start now, in the order of their turn.
   *
   * @throws {SluiceError} `RESOURCES_NOT_HONOURED` when the block has not so many nodes
   */
  request({ key, nodes, priority }: NodeRequest): readonly NodeGrant[] {
    if (nodes > this.#nodes.length) {
      const have = `this block has ${this.#nodes.length}`;
      throw new SluiceError('RESOURCES_NOT_HONOURED', `a task needs nodes: ${nodes}, and ${have}`);
    }
    this.#waiting.push({ key, nodes, priority, passes: 0 });
    return this.#grantAll();
  }

  /** A task has ended, or is not wanted any more: nodes it has are free, or it leaves the line. Answers as `request` does. */
  release(key: number): readonly NodeGrant[] {
    const waiting = this.#waiting.findIndex((task) => task.key === key);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    for (const node of this.#given.get(key) ?? []) this.#free.add(node);
    this.#given.delete(key);
    return this.#grantAll();
  }

  #grantAll(): readonly NodeGrant[] {
    const grants: NodeGrant[] = [];
    for (let task = this.#next(); task !== undefined; task = this.#next()) grants.push(this.#grant(task));
    return grants;
  }

  #next(): Waiting | undefined {
    if (this.#free.size === 0) return undefined;
    // A stable sort: equals stay in the order in which they came.
    for (const task of this.#waiting.toSorted(byTurn)) {
      if (task.nodes <= this.#free.size) return task;
      if (isDue(task)) return undefined;
    }
    return undefined;
  }

  #grant(task: Waiting): NodeGrant {
    const place = this.#waiting.indexOf(task);
    this.#waiting.splice(place, 1);
    for (const earlier of this.#waiting.slice(0, place)) if (earlier.priority <= task.priority) earlier.passes += 1;
    // Neighbours in the scheduler's list are near each other in the machine, as a rule.
    const nodes = this.#nodes.filter((node) => this.#free.has(node)).slice(0, task.nodes);
    for (const node of nodes) this.#free.delete(node);
    this.#given.set(task.key, nodes);
    return { key: task.key, nodes };
  }
}

interface Waiting extends NodeRequest {
  /** Later tasks, no more urgent, that have started since it came. */
  passes: number;
}

function isDue({ passes }: Waiting): boolean {
  return passes >= PASSES;
}

function byTurn(one: Waiting, other: Waiting): number {
  if (one.priority !== other.priority) return one.priority - other.priority;
  if (isDue(one) !== isDue(other)) return isDue(one) ? -1 : 1;
  return isDue(one) ? 0 : one.nodes - other.nodes;
}
