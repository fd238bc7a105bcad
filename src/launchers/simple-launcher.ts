import type { Launch, Launcher } from './launcher.js';

/**
 * Runs the command as it is: once, on the node where the job's script runs, however many nodes the block has. Right for
 * blocks of one node, and for commands that reach the other nodes themselves, as MPI applications do.
 */
export class SimpleLauncher implements Launcher {
  readonly name = 'simple';

  wrap({ command }: Launch): string {
    return command;
  }
}
