import type { RelayRecord } from '../../data/file-relay.js';
import { untilAborted } from '../../data/until-aborted.js';
import { hasLargeBundle } from '../../run-bucket/code-upload.js';
import { hasLocalValues, withoutLocalValues } from '../../run-bucket/local-values.js';
import type { RunBucket } from '../../run-bucket/run-bucket.js';
import {
  localFileOf,
  notReachable,
  receiveTaskFiles,
  refuseArchives,
  sendTaskFiles,
} from '../../run-bucket/task-files.js';
import { outputWithoutPlace, withTemporaryPlaces } from '../../run-bucket/temporary-places.js';
import type { EncodedValue } from '../../wire/encoded-value.js';
import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { RecycledCalls } from './recycled-calls.js';
import { CLIENT_PART, type ValueSpill } from './value-spill.js';

/** What a carriage has to work with. */
export interface CarriageParts {
  /** Of the executor. */
  readonly label: string;
  /** Whether workers see this machine's disk: then its files, and values on it, need not be carried. */
  readonly sharesFilesystem: boolean;
  /** Whether workers keep `temp:` outputs on their nodes: then these need no place in the bucket. */
  readonly keepsTemporary: boolean;
  /** Absent where the disk is shared, or none was given. */
  readonly bucket: RunBucket | undefined;
  /** Absent where there is neither. */
  readonly spill: ValueSpill | undefined;
  readonly spillBytes: number;
  /** Where large calls go that may wait for their turn; absent where workers are on other machines. */
  readonly calls?: RecycledCalls;
}

/** An attempt as it is sent, and what goes beside its message. */
export interface Cargo {
  readonly envelope: TaskEnvelope;
  /** Where its call lies, when that does not travel with it. */
  readonly callAt: string | undefined;
  /** Where its worker puts what belongs on this machine. */
  readonly outputs: RelayRecord;
}

/** Carries what does not go in messages between the client and its workers: local files, large values, large code. */
export class Carriage {
  readonly #parts: CarriageParts;
  /** Large values that several tasks may need, by their bytes: each is written once, and stays for the run. */
  readonly #given = new WeakMap<Uint8Array, Promise<string>>();
  #givenCount = 0;

  constructor(parts: CarriageParts) {
    this.#parts = parts;
  }

  /** Where workers put large results; `undefined` where these travel with their message. */
  get url(): string | undefined {
    return this.#parts.spill?.url;
  }

  /** So many tasks can run at a time now. */
  serve(slots: number): void {
    this.#parts.calls?.serve(slots);
  }

  /** @throws {SluiceError} `FILE_NOT_REACHABLE` for a task with a file of this machine that nothing can carry */
  check(envelope: TaskEnvelope): void {
    const { sharesFilesystem, bucket, label } = this.#parts;
    if (sharesFilesystem) return;
    const where = `workers of executor '${label}'`;
    refuseArchives(envelope, where);
    if (bucket !== undefined) return;
    const local = localFileOf(envelope) ?? this.#outputWithoutPlace(envelope);
    if (local === undefined) return;
    throw notReachable(envelope, local, { where, executor: 'the executor' });
  }

  /** Whether there is more to an attempt than its message. Most have nothing, and wait for nothing. */
  isNeeded(envelope: TaskEnvelope): boolean {
    const { sharesFilesystem, bucket, spill, spillBytes } = this.#parts;
    const { call, slots } = envelope;
    if (spill !== undefined && (call.byteLength > spillBytes || slots.some((slot) => isLarge(slot, spillBytes)))) {
      return true;
    }
    if (sharesFilesystem) return false;
    if (hasLocalValues(envelope)) return true;
    if (bucket === undefined) return false;
    return (localFileOf(envelope) ?? this.#outputWithoutPlace(envelope)) !== undefined || hasLargeBundle(envelope);
  }

  /** Rejects as reading files and writing to the bucket or the disk do, and with `signal.reason`. @param key of the attempt */
  async send(envelope: TaskEnvelope, key: number, signal: AbortSignal): Promise<Cargo> {
    const { sharesFilesystem, spill, spillBytes } = this.#parts;
    const { outputs, ...carried } = sharesFilesystem
      ? { envelope, outputs: NONE }
      : await this.#relay(envelope, signal);
    if (spill === undefined) return { ...carried, callAt: undefined, outputs };
    const slots = await Promise.all(carried.envelope.slots.map((slot) => this.#give(slot, spill, signal)));
    const { call } = envelope;
    const callAt = call.byteLength > spillBytes ? await this.#putCall(envelope, key, spill, signal) : undefined;
    return { envelope: { ...carried.envelope, slots }, callAt, outputs };
  }

  /** Brings what the attempt left for this machine to its place. Rejects as downloading does, and with `signal.reason`. */
  async receive({ envelope, outputs }: Cargo, outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { bucket } = this.#parts;
    if (bucket !== undefined) await receiveTaskFiles({ envelope, outputs }, outcome, bucket, signal);
  }

  /** The attempt is over. */
  forget({ callAt }: Cargo): void {
    if (callAt === undefined) return;
    const { calls, spill } = this.#parts;
    if (calls?.has(callAt) === true) calls.remove(callAt);
    else spill?.remove(callAt);
  }

  /** Stops what is under way, and removes everything of the run: no worker may be left by then. */
  async close(): Promise<void> {
    await this.#parts.calls?.close();
    await this.#parts.spill?.close();
    await this.#parts.bucket?.close();
  }

  async #relay(task: TaskEnvelope, signal: AbortSignal): Promise<{ envelope: TaskEnvelope; outputs: RelayRecord }> {
    const { bucket } = this.#parts;
    const reachable = hasLocalValues(task) ? await withoutLocalValues(task, bucket, signal) : task;
    if (bucket === undefined) return { envelope: reachable, outputs: NONE };
    const placed = this.#parts.keepsTemporary ? reachable : withTemporaryPlaces(reachable, bucket);
    const coded = hasLargeBundle(placed) ? await bucket.code.send(placed, signal) : placed;
    return localFileOf(coded) === undefined ? { envelope: coded, outputs: NONE } : sendTaskFiles(coded, bucket, signal);
  }

  #outputWithoutPlace(envelope: TaskEnvelope): string | undefined {
    return this.#parts.keepsTemporary ? undefined : outputWithoutPlace(envelope);
  }

  #putCall(envelope: TaskEnvelope, key: number, spill: ValueSpill, signal: AbortSignal): Promise<string> {
    const { calls } = this.#parts;
    if (calls !== undefined && isOrdinary(envelope)) return calls.put(`${key}`, envelope.call, signal);
    return spill.put(`calls/${key}`, envelope.call, signal);
  }

  async #give(value: EncodedValue, spill: ValueSpill, signal: AbortSignal): Promise<EncodedValue> {
    if (!isLarge(value, this.#parts.spillBytes)) return value;
    const { bytes, files } = value;
    const url = await untilAborted(this.#giveOnce(bytes, spill), signal);
    return { kind: 'reference', url, size: bytes.byteLength, files };
  }

  #giveOnce(bytes: Uint8Array, spill: ValueSpill): Promise<string> {
    const known = this.#given.get(bytes);
    if (known !== undefined) return known;
    this.#givenCount += 1;
    // Whoever asked first may give up: the others still need it.
    const given = spill.put(`values/${CLIENT_PART}/${this.#givenCount}`, bytes, new AbortController().signal);
    this.#given.set(bytes, given);
    // A failure is not remembered: the next task tries anew.
    given.catch(() => this.#given.delete(bytes));
    return given;
  }
}

const NONE: RelayRecord = {};

function isLarge(value: EncodedValue, spillBytes: number): value is EncodedValue & { kind: 'inline' } {
  return value.kind === 'inline' && value.bytes.byteLength > spillBytes;
}

/** Whether a task takes whatever slot is free next: such tasks may wait for each other. */
function isOrdinary({ resources, walltimeMs, priority }: TaskEnvelope): boolean {
  return resources === undefined && walltimeMs === undefined && priority === undefined;
}
