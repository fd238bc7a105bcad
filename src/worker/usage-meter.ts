import { resourceUsage } from 'node:process';
import type { InputUsage, Usage } from '../wire/outcome.js';

/** Where a meter counts. */
export interface MeterPlace {
  /** Host name, or the service's name for the place. */
  readonly where: string;
  /** The worker is a thread among others: the process's memory, and on Node below 23.9 its processor time, say nothing of it. */
  readonly sharesProcess: boolean;
}

/** Processor time so far, and where it can be told apart the most memory there was. */
interface Reading {
  readonly cpuMs: number;
  readonly peakMemoryMiB?: number;
}

/** Measures one attempt: clock, processor and memory. */
export class UsageMeter {
  /** What the attempt's inputs had of the node's cache. */
  inputs: InputUsage | undefined;
  readonly #place: MeterPlace;
  #runMs = 0;
  #stagingMs = 0;
  #cpuMs: number | undefined;
  #latest: Reading | undefined;

  constructor(place: MeterPlace) {
    this.#place = place;
  }

  /** Counts the time of `work` as the user's. */
  async running<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#read();
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      this.#runMs += performance.now() - startMs;
      this.#latest = this.#read();
      if (before !== undefined && this.#latest !== undefined) {
        this.#cpuMs = (this.#cpuMs ?? 0) + this.#latest.cpuMs - before.cpuMs;
      }
    }
  }

  /** Counts the time of `work` as staging. */
  async staging<T>(work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      this.#stagingMs += performance.now() - startMs;
    }
  }

  usage(): Usage {
    const usage: Writable<Usage> = { runMs: this.#runMs, stagingMs: this.#stagingMs, where: this.#place.where };
    if (this.#cpuMs !== undefined) usage.cpuMs = this.#cpuMs;
    if (this.inputs !== undefined) usage.inputs = this.inputs;
    const { peakMemoryMiB } = this.#latest ?? this.#read() ?? NOTHING;
    if (peakMemoryMiB !== undefined) usage.peakMemoryMiB = peakMemoryMiB;
    return usage;
  }

  // One call tells all of a process, and takes its time: the system asks each of its threads.
  #read(): Reading | undefined {
    if (!this.#place.sharesProcess) {
      const { userCPUTime, systemCPUTime, maxRSS } = resourceUsage();
      // In microseconds, and in KiB (getrusage(2)).
      return { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMemoryMiB: maxRSS / 1024 };
    }
    if (threadCpuUsage === undefined) return undefined;
    const { user, system } = threadCpuUsage.call(process);
    return { cpuMs: (user + system) / 1000 };
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING: Partial<Reading> = {};

// https://nodejs.org/api/process.html#processthreadcpuusagepreviousvalue, since Node 23.9.
const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
