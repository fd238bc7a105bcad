import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { readFrames, writeFrames } from '../run/frame-socket.js';
import { killGroup } from '../run/kill-group.js';
import { EARLY_OPTIMIZING } from '../run/optimizing.js';
import { startTicksOf } from '../run/process-identity.js';
import {
  decodeWorkerReport,
  encodeWorkerMessage,
  type WorkerOrder,
  type WorkerReport,
} from '../wire/worker/worker-message.js';
import { type ClaimFile, openClaimFile } from './claim-file.js';
import { followOutput, type OutputTail } from './output-tail.js';

/** How a worker process is started. */
export interface WorkerLaunch {
  /** Path of its main. */
  readonly main: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Cores it is pinned to; absent for none in particular. */
  readonly cores?: readonly number[];
  /** File that gets what it writes. */
  readonly logFile?: string;
}

/** How a worker process ended. */
export interface WorkerEnding {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started, when it could not. */
  readonly startError?: Error;
  /** The error that a task left uncaught, encoded. */
  readonly uncaught?: Uint8Array;
  /** V8 has said that its heap is full. */
  readonly isHeapFull: boolean;
  readonly stderrTail: string;
  /** Number of the last task it noted. */
  readonly claimed: number;
}

export interface WorkerListener {
  onReport(report: WorkerReport): void;
  /** Called once, after its last report. */
  onEnd(ending: WorkerEnding): void;
}

// What a worker's own children hold open when it is gone.
const STREAMS_END_MS = 500;

/** One worker process, in a session and process group of its own, and the socket to it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #link: Socket;
  readonly #claims: ClaimFile;
  readonly #startTicks: string | undefined;
  readonly #stderr: OutputTail;
  readonly #listener: WorkerListener;
  #uncaught: Uint8Array | undefined;
  #startError: Error | undefined;
  #isOver = false;

  /** Starts it. That it cannot be started is an end, too. */
  constructor({ main, environment, cores, logFile }: WorkerLaunch, listener: WorkerListener) {
    this.#listener = listener;
    this.#claims = openClaimFile();
    const node = [process.execPath, ...EARLY_OPTIMIZING, main];
    const [command, ...args] = cores === undefined ? node : ['taskset', '-c', cores.join(','), ...node];
    this.#child = spawn(command as string, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', this.#claims.fd],
      env: environment,
    });
    this.#startTicks = this.pid === undefined ? undefined : startTicksOf(this.pid);
    const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' }).on('error', () => {});
    followOutput(this.#child.stdout as Readable, log);
    this.#stderr = followOutput(this.#child.stderr as Readable, log);
    this.#link = this.#child.stdio[3] as Socket;
    this.#link.on('error', () => {});
    readFrames(this.#link, { onMessage: (frames) => this.#receive(frames), onGarbage: () => this.kill() });
    this.#child.once('error', (error) => {
      this.#startError = error;
      if (this.pid === undefined) this.#end(null, null);
    });
    this.#child.once('exit', (code, signal) => this.#exited(code, signal));
    this.#child.once('close', () => log?.end());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(order: WorkerOrder): void {
    if (!this.#isOver && this.#link.writable) writeFrames(this.#link, encodeWorkerMessage(order));
  }

  /** Ends it, and what it started in its group, at once. */
  kill(): void {
    if (this.pid !== undefined && !this.#isOver) killGroup(this.pid, 'SIGKILL', this.#startTicks);
  }

  #receive(frames: readonly Uint8Array[]): void {
    const report = decodeWorkerReport(frames);
    if (report.kind === 'uncaught') this.#uncaught = report.error;
    else this.#listener.onReport(report);
  }

  // All it has written is read first, unless something else that holds the streams open keeps them from ending.
  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.pid !== undefined) killGroup(this.pid, 'SIGKILL', this.#startTicks);
    const late = setTimeout(() => this.#end(code, signal), STREAMS_END_MS);
    this.#child.once('close', () => {
      clearTimeout(late);
      this.#end(code, signal);
    });
  }

  #end(exitCode: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const claimed = this.#claims.read();
    this.#claims.close();
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#listener.onEnd({
      exitCode,
      signal,
      isHeapFull: this.#stderr.includes('heap out of memory'),
      stderrTail: this.#stderr.text(),
      claimed,
      ...(this.#startError && { startError: this.#startError }),
      ...(this.#uncaught && { uncaught: this.#uncaught }),
    });
  }
}
