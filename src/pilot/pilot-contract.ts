import type { PilotLink, PilotLinkOptions } from '../transport/pilot-link.js';
import type { CreateNodeFiles } from './node-files.js';

/** How a manager ended. */
export interface PilotEnd {
  readonly exitCode: number;
  readonly reason: string;
}

/** What a manager is given besides its configuration. */
export interface PilotMeans {
  readonly openLink: (options: PilotLinkOptions) => Promise<PilotLink>;
  readonly createNodeFiles: CreateNodeFiles;
  /** What the manager was started with, less what is secret: workers inherit it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Path of the main of a worker process. Default: the one of this package. */
  readonly workerMain?: string;
}

/** A running manager. */
export interface Pilot {
  readonly id: string;
  /** Resolves once all it started has ended. */
  readonly ended: Promise<PilotEnd>;
  /** The node is wanted back: finishes what it can in the time that a scheduler leaves between SIGTERM and SIGKILL. */
  terminate(reason: string): void;
}
