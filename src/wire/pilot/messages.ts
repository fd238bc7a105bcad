import type { PilotResult, PilotTask } from './pilot-task.js';
import type { SlotShare } from './slots.js';

/** Version of everything in this folder. Peers of another one are refused with `VERSION_MISMATCH`. */
export const PILOT_PROTOCOL = 1;

/** What a manager says of itself once, when it comes (again). */
export interface ManagerRegistration {
  /** Unique in the run; the routing id of its socket. */
  readonly id: string;
  readonly blockId: string;
  readonly host: string;
  readonly pid: number;
  /** Version of Sluice: must be the client's. */
  readonly sluice: string;
  /** `process.version`. */
  readonly node: string;
  /** Name and version of what its project has installed, where it shares one. */
  readonly packages: Readonly<Record<string, string>>;
  /** Workers: tasks of one slot that run at a time. */
  readonly slots: number;
  readonly share: SlotShare;
  /** Tasks it takes beyond its slots, so that no worker waits for the next. */
  readonly prefetch: number;
  /** Cores, memory and accelerators of the node. */
  readonly cores: number;
  readonly memoryMiB: number;
  readonly accelerators: number;
  /** Time until its block ends, in milliseconds; absent when that is not known. */
  readonly remainingMs?: number;
  /** `peer:` URL at which it serves its cached inputs to others; absent where it does not. */
  readonly peer?: string;
  /** Files that it keeps for other tasks; absent while there are none. */
  readonly kept?: KeptFiles;
  /** Keys of tasks it has from before: nobody else must get them. */
  readonly holding: readonly number[];
}

/** How much a node keeps of `temp:` files, beside its cache; a folder counts as one file. */
export interface KeptFiles {
  readonly files: number;
  readonly bytes: number;
}

/** A manager as the interchange sees it. Times are durations in milliseconds: clocks of nodes differ. */
export interface ManagerInfo extends Omit<ManagerRegistration, 'holding' | 'remainingMs'> {
  readonly state: 'ready' | 'held' | 'draining' | 'drained';
  /** Slots that its tasks take, and those beyond them that wait there. */
  readonly usedSlots: number;
  readonly outstanding: number;
  readonly connectedForMs: number;
  readonly silentForMs: number;
  /** Since it last had a task; 0 while it has any. */
  readonly idleForMs: number;
  readonly remainingMs?: number;
}

/** Managers that a command is for: one, or all of a block. */
export type Target = { readonly manager: string } | { readonly block: string };

/** What a client asks of its interchange. */
export type Command =
  | { readonly name: 'managers' }
  /** Gets no more tasks, until `release`. */
  | { readonly name: 'hold'; readonly target: Target }
  | { readonly name: 'release'; readonly target: Target }
  /** Gets no more tasks, and ends once it has none. */
  | { readonly name: 'drain'; readonly target: Target };

/** Client to interchange. */
export type ClientMessage =
  /** The first message. `token` proves the role; `known`: managers that are expected to come back to a new interchange. */
  | { readonly kind: 'hello'; readonly sluice: string; readonly token: string; readonly known: readonly string[] }
  | { readonly kind: 'code'; readonly code: number; readonly bytes: Uint8Array }
  /** `again`: an interchange before this one had them, so managers may hold them. */
  | { readonly kind: 'tasks'; readonly tasks: readonly PilotTask[]; readonly again: boolean }
  /** No longer wanted; no result is owed. */
  | { readonly kind: 'cancel'; readonly keys: readonly number[] }
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  /** Nobody needs these kept files of a manager any more. `paths`: as they stand in URLs. */
  | { readonly kind: 'drop'; readonly manager: string; readonly paths: readonly string[] }
  /** Everything ends. */
  | { readonly kind: 'close' };

/** Interchange to client. */
export type InterchangeMessage =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'results'; readonly results: readonly PilotResult[] }
  /** On every change of who is there, and of who is idle: the whole list. */
  | { readonly kind: 'managers'; readonly managers: readonly ManagerInfo[] }
  /** A manager is gone; its tasks have failed with `WORKER_LOST` already. */
  | { readonly kind: 'managerLost'; readonly id: string; readonly blockId: string; readonly reason: string }
  /** One was not let in: the reason is for the user. */
  | { readonly kind: 'managerRefused'; readonly blockId: string; readonly host: string; readonly reason: string }
  | { readonly kind: 'reply'; readonly id: number; readonly managers: readonly ManagerInfo[] };

/** Manager to interchange. */
export type ManagerMessage =
  | { readonly kind: 'register'; readonly manager: ManagerRegistration }
  | { readonly kind: 'results'; readonly results: readonly PilotResult[] }
  /** How many tasks it takes beyond its slots from now on: it has seen how long they take. */
  | { readonly kind: 'prefetch'; readonly tasks: number }
  /** What it keeps now. */
  | { readonly kind: 'kept'; readonly kept: KeptFiles }
  /** They would wait here for too long: somebody else may have them. */
  | { readonly kind: 'returned'; readonly tasks: readonly PilotTask[] }
  /** Wants no more tasks; ends once it has none and was told `drained`. */
  | { readonly kind: 'draining'; readonly reason: string }
  /** Ends now; what it still had is lost. */
  | { readonly kind: 'bye'; readonly reason: string };

/** Interchange to manager. */
export type ManagerOrder =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Its messages are not understood without a registration: register (again). */
  | { readonly kind: 'who' }
  | { readonly kind: 'code'; readonly code: number; readonly bytes: Uint8Array }
  | { readonly kind: 'tasks'; readonly tasks: readonly PilotTask[] }
  | { readonly kind: 'cancel'; readonly keys: readonly number[] }
  | { readonly kind: 'drop'; readonly paths: readonly string[] }
  | { readonly kind: 'drain' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'stop'; readonly reason: string };

/** Any message between processes of a pilot. Heartbeats are empty frames of the link and no messages. */
export type PilotMessage = ClientMessage | InterchangeMessage | ManagerMessage | ManagerOrder;
