import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from '../../checksums/crc32.js';
import { messageOf } from '../../errors.js';
import type { StageInTarget } from '../staging.js';
import { localFailure, writeWhole } from '../write-whole.js';
import { PeerFailure } from './peer-failure.js';
import { askPeer, type PeerRequest } from './peer-request.js';
import { hexOf } from './peer-url.js';
import { SENT_CRC32, SIZE, WHOLE_CRC32 } from './serve-file.js';

/** What must come. */
export interface ExpectedFile {
  readonly size: number;
  /** Absent: what the node says of the whole, if it says anything, must be true. */
  readonly crc32?: number | undefined;
}

/** A node to ask, after a pause. */
export interface PeerTry extends Pick<PeerRequest, 'address' | 'access' | 'path'> {
  readonly delayMs?: number;
}

/** Names the next node to ask; `undefined` for none. @param failure why the last one did not give the file */
export type NextTry = (failure: PeerFailure | undefined) => PeerTry | undefined;

/** When a node is too slow: fewer bytes than these in such a time. */
export interface LeastSpeed {
  readonly bytes: number;
  readonly withinMs: number;
}

const LEAST_SPEED: LeastSpeed = { bytes: 256 * 1024, withinMs: 10_000 };

/**
 * Fetches a file from nodes, one after the other, each going on where the one before broke off. It appears whole, with the
 * length and the CRC-32 that were to come, or not at all.
 *
 * @throws {PeerFailure} the last one, when there is no next node; `signal.reason`; what writing the file says
 */
export async function downloadFromPeers(
  expected: ExpectedFile,
  next: NextTry,
  target: Pick<StageInTarget, 'suggestedPath' | 'signal' | 'onProgress'>,
  leastSpeed: LeastSpeed = LEAST_SPEED,
): Promise<PeerTry> {
  const { suggestedPath, signal } = target;
  return writeWhole(suggestedPath, async (temporaryPath) => {
    const handle = await open(temporaryPath, 'wx').catch((error: unknown) => {
      throw localFailure(`write ${suggestedPath}`, error);
    });
    try {
      const download = new Download(handle, expected, target, leastSpeed);
      let failure: PeerFailure | undefined;
      for (;;) {
        const chosen = next(failure);
        if (chosen === undefined) throw failure ?? new PeerFailure('absent', 'there is no node to ask');
        if (chosen.delayMs !== undefined) await sleep(chosen.delayMs, undefined, { signal }).catch(() => {});
        signal.throwIfAborted();
        try {
          await download.goOn(chosen);
          return chosen;
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof PeerFailure)) throw error;
          failure = error;
        }
      }
    } finally {
      await handle.close();
    }
  });
}

/** A file as far as it has come. */
class Download {
  /** Bytes that are there. */
  at = 0;
  #sum = 0;
  readonly #handle: FileHandle;
  readonly #expected: ExpectedFile;
  readonly #target: Pick<StageInTarget, 'suggestedPath' | 'signal' | 'onProgress'>;
  readonly #leastSpeed: LeastSpeed;

  constructor(
    handle: FileHandle,
    expected: ExpectedFile,
    target: Pick<StageInTarget, 'suggestedPath' | 'signal' | 'onProgress'>,
    leastSpeed: LeastSpeed,
  ) {
    this.#handle = handle;
    this.#expected = expected;
    this.#target = target;
    this.#leastSpeed = leastSpeed;
  }

  /** @throws {PeerFailure}; what writing says */
  async goOn({ address, access, path }: PeerTry): Promise<void> {
    const { size, crc32: known } = this.#expected;
    const response = await askPeer({ address, access, path, start: this.at, signal: this.#target.signal });
    const told = response.headers[WHOLE_CRC32];
    const whole = known === undefined ? told : hexOf(known);
    try {
      if (Number(response.headers[SIZE]) !== size) {
        throw new PeerFailure('absent', `the node has ${response.headers[SIZE]} bytes of ${size}`);
      }
      const sent = await this.#take(response);
      if (!response.complete || this.at !== size) throw new PeerFailure('broken', 'the node broke off');
      if (hexOf(sent) !== response.trailers[SENT_CRC32] || (whole !== undefined && hexOf(this.#sum) !== whole)) {
        throw new PeerFailure('corrupt', 'the bytes do not have the checksum that the node gives of them');
      }
    } catch (error) {
      response.destroy();
      // What nobody can tell the sum of cannot be put together of parts either.
      const isUseful = error instanceof PeerFailure && error.trouble === 'broken' && whole !== undefined;
      if (!isUseful) await this.#beginAnew();
      throw error;
    }
  }

  /** Resolves with the CRC-32 of the bytes that came. */
  async #take(response: IncomingMessage): Promise<number> {
    const { onProgress } = this.#target;
    const stopWatching = this.#watch(response);
    let sum = 0;
    try {
      for await (const chunk of chunksOf(response)) {
        if (this.at + chunk.byteLength > this.#expected.size)
          throw new PeerFailure('corrupt', 'more bytes than asked for');
        await this.#write(chunk);
        sum = crc32(chunk, sum);
        this.#sum = crc32(chunk, this.#sum);
        this.at += chunk.byteLength;
        onProgress?.(chunk.byteLength);
      }
      return sum;
    } finally {
      stopWatching();
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < chunk.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(
          chunk,
          written,
          chunk.byteLength - written,
          this.at + written,
        );
        written += bytesWritten;
      }
    } catch (error) {
      throw localFailure(`write ${this.#target.suggestedPath}`, error);
    }
  }

  #watch(response: IncomingMessage): () => void {
    const { bytes, withinMs } = this.#leastSpeed;
    let before = this.at;
    const timer = setInterval(() => {
      if (this.at - before < Math.min(bytes, this.#expected.size - before)) {
        response.destroy(new PeerFailure('broken', `the node sent ${this.at - before} bytes in ${withinMs} ms`));
      }
      before = this.at;
    }, withinMs);
    return () => clearInterval(timer);
  }

  async #beginAnew(): Promise<void> {
    if (this.at === 0) return;
    this.#target.onProgress?.(-this.at);
    this.at = 0;
    this.#sum = 0;
    await this.#handle.truncate(0);
  }
}

async function* chunksOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (error) {
    throw error instanceof PeerFailure ? error : new PeerFailure('broken', messageOf(error), { cause: error });
  }
}
