import type { MpiLauncher } from './mpi.js';
import type { PeersConfig } from './peers.js';
import type { SpillPlace } from './spill-place.js';

/** What a manager is started with. Travels with the block's job: in a file that `SLUICE_PILOT_FILE` names, or in `SLUICE_PILOT`. */
export interface PilotConfig {
  readonly protocol: number;
  readonly sluice: string;
  readonly runId: string;
  /** Label of the executor. */
  readonly label: string;
  readonly blockId: string;
  /** Where the interchange may be reached, the likeliest first: `tcp://host:port`. All are tried at once. */
  readonly addresses: readonly string[];
  /** How long they are tried, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Absent: without encryption. */
  readonly security?: {
    readonly serverKey: string;
    readonly client: { readonly publicKey: string; readonly secretKey: string };
  };
  readonly heartbeatMs: number;
  /** Whoever is silent for this long is gone. */
  readonly heartbeatThresholdMs: number;
  readonly maxMessageBytes: number;
  /** Time the block has from its start, in milliseconds. */
  readonly walltimeMs?: number;
  /** The manager drains when this much of that time is left. */
  readonly drainBeforeEndMs: number;
  /** The manager drains after so long in any case. */
  readonly drainAfterMs?: number;
  readonly coresPerWorker: number;
  readonly memoryMiBPerWorker?: number;
  readonly maxWorkersPerNode?: number;
  /** Tasks it takes beyond its workers; `auto`: as many as keep them busy for a while. */
  readonly prefetch: number | 'auto';
  /** `none`, `block`, `block-reverse`, `alternating`, or `list:` and the cores of each worker: `list:0-1:2-3`. */
  readonly cpuAffinity: string;
  /** Ids, one for each worker or several joined by commas. */
  readonly accelerators: readonly string[];
  /** Whether workers see the client's files and node_modules. */
  readonly sharesFilesystem: boolean;
  /** Absolute path; scratch folders of attempts lie below it. Default: below the system's temporary folder. */
  readonly scratchRoot?: string;
  /** Folder for the logs of workers, where the disk is shared. */
  readonly logFolder?: string;
  /** Values above `bytes` do not travel to the client: they lie below this `file:` or bucket URL, each manager's in its own part. */
  readonly spill?: SpillPlace;
  /** Absent: managers serve nothing to each other, and keep no files for others. */
  readonly peers?: PeersConfig;
  /** Memory limit of each worker process and what it starts, in MiB, where it has a share. */
  readonly enforceMemory: boolean;
  /** Tasks take nodes of the block, and start their ranks on them by this; absent: they share the manager's node. */
  readonly mpi?: { readonly launcher: MpiLauncher } | undefined;
}

/** The variable that names a file that has it: /proc/PID/environ shows to others what a process was started with. */
export const PILOT_FILE_VARIABLE = 'SLUICE_PILOT_FILE';
/** The file that stands for what a manager reads on its standard input. */
export const PILOT_STDIN = '/dev/stdin';
/** The variable that carries it as far as a shell on the node, where no disk is shared. */
export const PILOT_VARIABLE = 'SLUICE_PILOT';

export function encodePilotConfig(config: PilotConfig): string {
  return Buffer.from(JSON.stringify(config)).toString('base64');
}

/** Trusted: it comes from the client that starts the manager. */
export function decodePilotConfig(text: string): PilotConfig {
  return JSON.parse(Buffer.from(text, 'base64').toString()) as PilotConfig;
}
