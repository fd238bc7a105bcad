import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataFiles, Segment } from '../../store/data-files.js';
import { KeyLock } from '../../store/key-lock.js';
import { UNFINISHED, writeWholeFile } from '../../store/write-whole-file.js';
import type { ExpectedSums } from '../body/expected-sums.js';
import { RunningSums } from '../body/running-sums.js';
import { GcsError } from '../gcs-error.js';
import type { Preconditions } from '../preconditions.js';
import type { ObjectFacts, ObjectRecord } from './gcs-object.js';

/** A resumable upload that was begun, as it lies on disk. */
export interface UploadSession {
  readonly id: string;
  readonly key: string;
  readonly facts: ObjectFacts;
  readonly conditions: Preconditions;
  readonly expected: ExpectedSums;
  readonly createdMs: number;
  /** Of the whole, where it was announced at the start. */
  readonly size?: number;
  /** What has come, in order; all but the last of an upload that is about to end have whole granules. */
  readonly segments: readonly Segment[];
}

/** How an upload stands. */
export type SessionState =
  | { readonly kind: 'open'; readonly session: UploadSession; readonly received: number }
  | { readonly kind: 'finished'; readonly record: ObjectRecord };

interface OpenSession {
  session: UploadSession;
  /** Of what has come; absent after a restart, until they are needed. */
  sums: RunningSums | undefined;
}

/** What Cloud Storage keeps of an upload that breaks off comes in multiples of this ("Resumable uploads"). */
export const GRANULE_BYTES: number = 256 * 1024;
/** How long an upload may take ("Resumable uploads"). */
const LIFETIME_MS = 7 * 24 * 3_600_000;
/** Uploads that are over and may still be asked about. */
const MOST_FINISHED = 10_000;

/** The resumable uploads of one bucket, a file each. Those that are over are remembered until a restart. */
export class UploadSessions {
  readonly #folder: string;
  readonly #data: DataFiles;
  readonly #open = new Map<string, OpenSession>();
  readonly #finished = new Map<string, ObjectRecord>();
  readonly #locks = new KeyLock();

  constructor(folder: string, data: DataFiles) {
    this.#folder = folder;
    this.#data = data;
  }

  /** Reads what is on disk. Uploads that became objects just before a crash are dropped. */
  async load(completed: ReadonlySet<string>): Promise<void> {
    for (const file of await readdir(this.#folder)) {
      const path = join(this.#folder, file);
      const session = file.endsWith(UNFINISHED)
        ? undefined
        : (JSON.parse(await readFile(path, 'utf8')) as UploadSession);
      if (session === undefined || completed.has(session.id)) await rm(path);
      else this.#open.set(session.id, { session, sums: undefined });
    }
  }

  /** What uploads are made of. */
  *segments(): Generator<Segment, void> {
    for (const { session } of this.#open.values()) yield* session.segments;
  }

  async create(fields: Omit<UploadSession, 'id' | 'segments'>): Promise<UploadSession> {
    const session = { ...fields, id: randomBytes(24).toString('base64url'), segments: [] };
    await this.#save(session);
    this.#open.set(session.id, { session, sums: new RunningSums() });
    return session;
  }

  /** Ends an upload whose time is over; to be called within {@link exclusively}. */
  async expire(id: string, nowMs: number): Promise<void> {
    const session = this.#open.get(id)?.session;
    if (session === undefined || nowMs <= session.createdMs + LIFETIME_MS) return;
    await this.finish(id);
    await this.#data.discard(session.segments);
  }

  /** @throws {GcsError} `notFound` */
  state(id: string): SessionState {
    const open = this.#open.get(id);
    if (open !== undefined) return { kind: 'open', session: open.session, received: receivedOf(open.session) };
    const record = this.#finished.get(id);
    if (record === undefined) throw new GcsError('notFound', 'No such upload: it is over, or never was.');
    return { kind: 'finished', record };
  }

  /** Runs work on one upload with nobody else at it. */
  exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(id, work);
  }

  /**
   * Adds what comes to an upload that is open: all of it when the source ends well and `isLast`, whole granules
   * otherwise. Resolves with what the source ended with. To be called within {@link exclusively}.
   */
  async append(id: string, source: AsyncIterable<Uint8Array>, isLast: (received: number) => boolean): Promise<unknown> {
    const open = this.#open.get(id) as OpenSession;
    const before = receivedOf(open.session);
    const sums = await this.#sumsOf(open);
    const granules = { sums: sums.fork(), size: 0 };
    let failure: unknown;
    const content = async function* () {
      let size = 0;
      try {
        for await (const chunk of source) {
          yield chunk;
          for (const piece of granulePieces(chunk, size)) {
            sums.update(piece);
            size += piece.length;
            if (size % GRANULE_BYTES === 0) Object.assign(granules, { sums: sums.fork(), size });
          }
        }
      } catch (error) {
        failure = error;
      }
      return { size };
    };
    const { segment } = await this.#data.writeApart(content());
    const whole = failure === undefined && isLast(before + segment.size);
    const kept = whole ? segment : { id: segment.id, size: granules.size };
    open.sums = whole ? sums : granules.sums;
    if (kept.size === 0) await this.#data.discard([segment]);
    else {
      open.session = { ...open.session, segments: [...open.session.segments, kept] };
      await this.#save(open.session);
    }
    return failure;
  }

  /** Checksums of all that has come. */
  async sums(id: string): Promise<RunningSums['value']> {
    return (await this.#sumsOf(this.#open.get(id) as OpenSession)).value;
  }

  /** Ends an upload, with the object it became, or, its data being gone already, without one. */
  async finish(id: string, record?: ObjectRecord): Promise<void> {
    this.#open.delete(id);
    if (record !== undefined) this.#finished.set(id, record);
    const [oldest = ''] = this.#finished.keys();
    if (this.#finished.size > MOST_FINISHED) this.#finished.delete(oldest);
    await rm(this.#path(id), { force: true });
  }

  /** Ends an upload and removes what has come of it; one that is over is left as it is. @throws {GcsError} `notFound` */
  async cancel(id: string): Promise<void> {
    await this.exclusively(id, async () => {
      const state = this.state(id);
      if (state.kind === 'finished') return;
      await this.finish(id);
      await this.#data.discard(state.session.segments);
    });
  }

  async #sumsOf(open: OpenSession): Promise<RunningSums> {
    if (open.sums !== undefined) return open.sums;
    const sums = new RunningSums();
    const held = this.#data.hold(open.session.segments);
    try {
      for await (const chunk of held.read()) sums.update(chunk);
    } finally {
      await held.release();
    }
    open.sums = sums;
    return sums;
  }

  async #save(session: UploadSession): Promise<void> {
    await writeWholeFile(this.#path(session.id), JSON.stringify(session));
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

function receivedOf({ segments }: UploadSession): number {
  return segments.reduce((sum, { size }) => sum + size, 0);
}

/** Cuts a chunk that begins `at` so many bytes into the body where granules end. */
function* granulePieces(chunk: Uint8Array, at: number): Generator<Uint8Array, void> {
  for (let from = 0; from < chunk.length; ) {
    const to = Math.min(chunk.length, from + GRANULE_BYTES - ((at + from) % GRANULE_BYTES));
    yield chunk.subarray(from, to);
    from = to;
  }
}
