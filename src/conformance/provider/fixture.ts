import type { ExecutionProvider, ProviderContext } from '../../providers/provider.js';

/** What the suite tests: a provider of blocks of one node, not started and used by no other test. */
export interface ProviderFixture {
  readonly provider: ExecutionProvider;
  readonly context: ProviderContext;
  /** Absolute folder that jobs and the tests both see: jobs leave their marks there. */
  readonly folder: string;
  /** Longest that a change of a job may take until its status tells, in milliseconds. */
  readonly noticeMs: number;
  /** Blocks that can run at a time, where there is such a limit: the next ones are pending. */
  readonly capacity?: number;
  /** Whether the ends of what a job wrote are in its status. */
  readonly tellsOutput: boolean;
  /** Such a provider whose blocks end after about a second; absent where none can be so short. */
  readonly createShort?: () => Promise<ExecutionProvider>;
  /** Called after the provider was closed. */
  close(): Promise<void>;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (fixture: ProviderFixture) => Promise<void>) => unknown;
