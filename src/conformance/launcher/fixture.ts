import type { Launch, Launcher } from '../../launchers/launcher.js';

/** What the suite tests: a launcher, and what it promises of its text. */
export interface LauncherFixture {
  readonly launcher: Launcher;
  /** Variables that the text needs: a `PATH` with stubs of `srun` or `mpiexec`, what a scheduler sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** How many copies it starts. */
  copies(launch: Launch): number;
  /** When the block counts as failed: once one copy has, or only when all have. */
  readonly failsOn: 'any' | 'all';
  /** Whether SIGTERM reaches the copies also when only the shell that runs the text gets it. */
  readonly passesTermination: boolean;
  /** Called after each test. */
  close?(): Promise<void>;
}

/** What each test of the suite is given. */
export interface Stage extends LauncherFixture {
  /** A folder of the test's own. */
  readonly folder: string;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (stage: Stage) => Promise<void>) => unknown;
