import { resourceUsage } from 'node:process';
import type { InputUsage, Usage } from '../wire/outcome.js';

/** Where a meter counts. */
export interface MeterPlace {
  /** Host name, or the service's name for the place. */
  readonly where: string;
  /** The worker is a thread among others: the process's memory, and on Node below 23.9 its processor time, say nothing of it. */
  readonly sharesProcess: boolean;
}

/** Measures one attempt: clock, processor and memory. */
export class UsageMeter {
  /** What the attempt's inputs had of the node's cache. */
  inputs: InputUsage | undefined;
  readonly #place: MeterPlace;
  #runMs = 0;
  #stagingMs = 0;
  #cpuMs: number | undefined;

  constructor(place: MeterPlace) {
    this.#place = place;
  }

  /** Counts the time of `work` as the user's. */
  async running<T>(work: () => T | Promise<T>): Promise<T> {
    const cpuBefore = this.#cpuTimeMs();
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      this.#runMs += performance.now() - startMs;
      if (cpuBefore !== undefined) this.#cpuMs = (this.#cpuMs ?? 0) + (this.#cpuTimeMs() ?? cpuBefore) - cpuBefore;
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
    const { where, sharesProcess } = this.#place;
    const times: Usage = { runMs: this.#runMs, stagingMs: this.#stagingMs, where };
    const inputs = this.inputs && { inputs: this.inputs };
    const cpu = this.#cpuMs === undefined ? undefined : { cpuMs: this.#cpuMs };
    if (sharesProcess) return (cpu ?? inputs) === undefined ? times : { ...times, ...cpu, ...inputs };
    // maxRSS is in KiB (getrusage(2)).
    return { ...times, ...cpu, ...inputs, peakMemoryMiB: resourceUsage().maxRSS / 1024 };
  }

  #cpuTimeMs(): number | undefined {
    const read = this.#place.sharesProcess ? threadCpuUsage : process.cpuUsage;
    if (read === undefined) return undefined;
    const { user, system } = read.call(process);
    return (user + system) / 1000;
  }
}

// https://nodejs.org/api/process.html#processthreadcpuusagepreviousvalue, since Node 23.9.
const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
