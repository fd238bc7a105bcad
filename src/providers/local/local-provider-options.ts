import * as z from 'zod';
import type { Launcher } from '../../launchers/launcher.js';
import { SimpleLauncher } from '../../launchers/simple-launcher.js';
import { SingleNodeLauncher } from '../../launchers/single-node-launcher.js';
import { parseOptions } from '../../parse-options.js';

/** Options of {@link LocalProvider}. */
export interface LocalProviderOptions {
  /** Pilots of one block, as if each had a node of its own. Default: 1. */
  nodesPerBlock?: number;
  /** Blocks started at once at the start. Default: 1. */
  initBlocks?: number;
  /** Blocks kept when idle. Default: 0. */
  minBlocks?: number;
  /** Blocks at any time, at most. Default: 1. */
  maxBlocks?: number;
  /** Slots wanted for each outstanding task, 0 to 1. Default: 1. */
  parallelism?: number;
  /**
   * Starts the pilots of a block. Default: {@link SimpleLauncher}, and {@link SingleNodeLauncher} where a block has
   * several nodes, since this machine is each of them.
   */
  launcher?: Launcher;
  /** Shell text that runs before the pilots start: `module load cuda; source venv/bin/activate`. */
  workerInit?: string;
  /** Time limit of a block, in milliseconds, at most 24 days. Default: none. */
  walltimeMs?: number;
  /** Time that a block's processes have between SIGTERM and SIGKILL, in milliseconds. Default: 5 s. */
  graceMs?: number;
}

export type ResolvedLocalProviderOptions = Required<Omit<LocalProviderOptions, 'walltimeMs'>> &
  Pick<LocalProviderOptions, 'walltimeMs'>;

// Node's timers hold 2^31 - 1 ms at most, and fire at once when given more.
const LONGEST_WALLTIME_MS = 24 * 24 * 60 * 60_000;
const isLauncher = (value: unknown): boolean => typeof (value as Partial<Launcher> | null)?.wrap === 'function';

const schema = z
  .strictObject({
    nodesPerBlock: z.int().positive().default(1),
    initBlocks: z.int().nonnegative().default(1),
    minBlocks: z.int().nonnegative().default(0),
    maxBlocks: z.int().nonnegative().default(1),
    parallelism: z.number().min(0).max(1).default(1),
    launcher: z.custom<Launcher>(isLauncher, 'expected a launcher, such as new SimpleLauncher()').exactOptional(),
    workerInit: z.string().default(''),
    walltimeMs: z.number().positive().max(LONGEST_WALLTIME_MS).exactOptional(),
    graceMs: z.number().nonnegative().max(LONGEST_WALLTIME_MS).default(5_000),
  })
  .superRefine(({ initBlocks, minBlocks, maxBlocks }, context) => {
    for (const [name, blocks] of Object.entries({ initBlocks, minBlocks })) {
      if (blocks <= maxBlocks) continue;
      context.addIssue({ code: 'custom', path: [name], message: `${blocks} is more than maxBlocks, ${maxBlocks}` });
    }
  });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveLocalProviderOptions(options: LocalProviderOptions): ResolvedLocalProviderOptions {
  const { launcher, ...resolved } = parseOptions(schema, options, 'LocalProvider options');
  return { ...resolved, launcher: launcher ?? defaultLauncher(resolved.nodesPerBlock) };
}

function defaultLauncher(nodesPerBlock: number): Launcher {
  return nodesPerBlock === 1 ? new SimpleLauncher() : new SingleNodeLauncher();
}
