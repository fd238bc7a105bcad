/** What a launcher is to start. */
export interface Launch {
  /** Shell text of one pilot. */
  readonly command: string;
  readonly nodesPerBlock: number;
  /** Copies on each node. Pilots use the whole node, so this is 1 for them. */
  readonly tasksPerNode: number;
}

/** Makes the text of a job start its command where it should run: once, or on every node of the block. */
export interface Launcher {
  readonly name: string;
  /** Shell text for bash, which ends when all it started has ended, with an exit code that tells of failures. */
  wrap(launch: Launch): string;
}
