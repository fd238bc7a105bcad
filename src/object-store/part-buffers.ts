import type { ByteRange } from './object-store.js';
import { lengthOf, PART_BYTES } from './part-plan.js';
import { WaitingLine } from './waiting-line.js';

/** Bytes of parts that one store holds in memory for its uploads. */
export const MOST_HELD_BYTES: number = 16 * PART_BYTES;

/** Bytes of a part, held in memory until they are released. */
export interface HeldPart {
  readonly bytes: Uint8Array;
  /** Lets others have the room; once is enough. */
  release(): void;
}

/**
 * Bounds what the uploads of a store hold in memory, however many they are: a part is read when there is room for it, in the
 * order in which they ask. One that is larger than all the room there is has it alone.
 */
export class PartBuffers {
  readonly #line = new WaitingLine();
  #heldBytes = 0;

  /** Whether somebody waits for room. */
  get isContended(): boolean {
    return !this.#line.isEmpty;
  }

  /** Reads a part once there is room. Rejects as `read` does, and with `signal.reason` when aborted while waiting. */
  async hold(
    range: ByteRange,
    read: (range: ByteRange) => Promise<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<HeldPart> {
    const length = lengthOf(range);
    const take = (): void => {
      this.#heldBytes += length;
    };
    if (this.#line.isEmpty && this.#hasRoomFor(length)) take();
    else await this.#line.wait(length, take, signal);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#heldBytes -= length;
      this.#letIn();
    };
    try {
      return { bytes: await read(range), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #hasRoomFor(length: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + length <= MOST_HELD_BYTES;
  }

  #letIn(): void {
    for (let next = this.#line.firstWeight; next !== undefined; next = this.#line.firstWeight) {
      if (!this.#hasRoomFor(next)) return;
      this.#line.callFirst();
    }
  }
}
