import { createRequire } from 'node:module';
import type { WorkerPeers } from '../wire/pilot/peers.js';
import type { PilotConfig } from '../wire/pilot/pilot-config.js';
import type { ManagerParts } from './manager-parts.js';
import type { TaskDeskOptions } from './task-desk.js';

/** What surrounds a result in its message. */
const MESSAGE_SLACK_BYTES = 64 * 1024;

/** What a desk is made of, less whom it tells. */
export type DeskPlace = Omit<TaskDeskOptions, `on${string}`>;

interface Place {
  readonly id: string;
  readonly scratchRoot: string;
  /** Absent where nodes give each other nothing. */
  readonly peers: WorkerPeers | undefined;
}

/** The desk of a manager with this id, whose scratch folders lie below `scratchRoot`. */
export function deskPlace(
  config: PilotConfig,
  { plan, node, environment, workerMain }: ManagerParts,
  { id, scratchRoot, peers }: Place,
): DeskPlace {
  const { blockId, enforceMemory, logFolder, prefetch, sharesFilesystem, spill, maxMessageBytes } = config;
  return {
    id,
    blockId,
    plan,
    workerMain: workerMain ?? createRequire(import.meta.url).resolve('#worker/process'),
    environment,
    enforceMemory,
    logFolder,
    prefetch,
    startsAtOnce: Math.max(4, Math.ceil(2 * node.cores)),
    setup: {
      manager: id,
      scratchRoot,
      sharesProject: sharesFilesystem,
      maxResultBytes: maxMessageBytes - MESSAGE_SLACK_BYTES,
      ...(peers !== undefined && { peers }),
      ...(spill !== undefined && { spill: { ...spill, url: `${spill.url}/${id}` } }),
    },
  };
}
