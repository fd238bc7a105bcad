import type { KeptFiles, ManagerInfo, ManagerRegistration } from '../wire/pilot/messages.js';
import { slotsFor } from '../wire/pilot/slots.js';
import type { Candidate } from './manager-selector.js';
import type { Shape } from './pending-tasks.js';
import type { PlacedTask } from './placed-task.js';

/** A manager that is there. */
export class Manager implements Candidate {
  readonly id: string;
  readonly blockId: string;
  readonly host: string;
  readonly arrival: number;
  readonly slots: number;
  readonly registration: ManagerRegistration;
  readonly connectedAtMs: number;
  state: ManagerInfo['state'] = 'ready';
  /** Tasks it takes beyond its slots. */
  prefetch: number;
  usedSlots = 0;
  readonly tasks: Map<number, PlacedTask> = new Map();
  /** Numbers of the apps whose code it has. */
  readonly codes: Set<number> = new Set();
  /** Since it has no tasks; absent while it has any. */
  idleSinceMs: number | undefined;
  /** It is kept free for this task, which is too large for any gap. */
  reservedFor: PlacedTask | undefined;
  /** Its link began anew: it gets nothing until it has registered again, and has only what it registers with. */
  isStale = false;
  kept: KeptFiles | undefined;
  /** Where it stands in the lists of the table; -1 for nowhere. */
  freeIndex = -1;
  creditIndex = -1;
  readonly #endsAtMs: number;

  constructor(registration: ManagerRegistration, arrival: number, nowMs: number) {
    const { id, blockId, host, slots, remainingMs = Number.POSITIVE_INFINITY } = registration;
    this.id = id;
    this.blockId = blockId;
    this.host = host;
    this.slots = slots;
    this.arrival = arrival;
    this.prefetch = registration.prefetch;
    this.registration = registration;
    this.kept = registration.kept;
    this.connectedAtMs = nowMs;
    this.idleSinceMs = nowMs;
    this.#endsAtMs = nowMs + remainingMs;
  }

  get freeSlots(): number {
    return this.slots - this.usedSlots;
  }

  /** Slots it takes tasks for, those that would wait there included. */
  get credit(): number {
    return this.freeSlots + this.prefetch;
  }

  remainingMs(nowMs: number): number {
    return this.#endsAtMs - nowMs;
  }

  /** Slots a task of the shape takes here; `Infinity` when it can never run here. */
  slotsOf({ needs }: Shape, nowMs: number): number {
    if (needs === undefined) return 1;
    const slots = slotsFor(needs, this.registration.share);
    const isTooLong = needs.walltimeMs !== undefined && needs.walltimeMs > this.remainingMs(nowMs);
    return isTooLong || slots > this.slots ? Number.POSITIVE_INFINITY : slots;
  }

  /** Whether it takes a task of so many slots now. One of several is not to wait there: others could run meanwhile. */
  hasRoomFor(slots: number): boolean {
    if (this.state !== 'ready' || this.isStale) return false;
    return slots === 1 ? this.credit >= 1 : this.freeSlots >= slots;
  }

  infoAt(nowMs: number, silentForMs: number): ManagerInfo {
    const { holding, remainingMs, kept: _, ...node } = this.registration;
    return {
      ...node,
      prefetch: this.prefetch,
      state: this.state,
      usedSlots: this.usedSlots,
      outstanding: this.tasks.size,
      connectedForMs: nowMs - this.connectedAtMs,
      silentForMs,
      idleForMs: nowMs - (this.idleSinceMs ?? nowMs),
      ...(this.kept !== undefined && { kept: this.kept }),
      ...(remainingMs !== undefined && { remainingMs: Math.max(0, this.remainingMs(nowMs)) }),
    };
  }
}
