import { writeSync } from 'node:fs';
import { openFrameSocket, writeFrames } from '../run/frame-socket.js';
import { piecesOf } from '../wire/frames/frame-stream.js';
import {
  decodeWorkerOrder,
  encodeWorkerMessage,
  type WorkerOrder,
  type WorkerReport,
} from '../wire/worker/worker-message.js';

/** Descriptors that a manager gives each worker process. */
const LINK_FD = 3;
const CLAIM_FD = 4;
const FULL_PAUSE_MS = 1;
const LAST_WORDS_MS = 2_000;

/** A worker process's link to its manager. */
export interface ManagerLink {
  send(report: WorkerReport): void;
  /** Sends before it returns, for a process that is about to end; not at all while earlier messages are still on their way. */
  sendNow(reports: readonly WorkerReport[]): void;
  /** Notes in the claim file which task begins: it is known even when this process ends the next moment. */
  claim(sequence: number): void;
}

/** Opens the socket that this process was started with. The manager's end closes when the manager is gone: `onGone`. */
export function openManagerLink(listener: { onOrder(order: WorkerOrder): void; onGone(): void }): ManagerLink {
  const socket = openFrameSocket(LINK_FD, {
    onMessage: (frames) => listener.onOrder(decodeWorkerOrder(frames)),
    onGarbage: listener.onGone,
  });
  socket.once('end', listener.onGone).once('error', listener.onGone).once('close', listener.onGone);
  const word = Buffer.alloc(4);
  return {
    send: (report) => writeFrames(socket, encodeWorkerMessage(report)),
    sendNow(reports) {
      if (socket.writableLength > 0 || socket.destroyed) return;
      for (const report of reports) for (const piece of piecesOf(encodeWorkerMessage(report))) writeWhole(piece);
    },
    claim(sequence) {
      word.writeUInt32LE(sequence);
      writeSync(CLAIM_FD, word, 0, 4, 0);
    },
  };
}

// The socket does not block: a full one is tried again, for as long as a manager that lives may need.
function writeWhole(bytes: Uint8Array): void {
  const startedMs = performance.now();
  for (let written = 0; written < bytes.byteLength; ) {
    try {
      written += writeSync(LINK_FD, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      if (performance.now() - startedMs > LAST_WORDS_MS) return;
      Atomics.wait(PAUSE, 0, 0, FULL_PAUSE_MS);
    }
  }
}

const PAUSE: Int32Array = new Int32Array(new SharedArrayBuffer(4));
