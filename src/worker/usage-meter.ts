import { resourceUsage } from 'node:process';
import type { Usage } from '../wire/outcome.js';

/** Measures one attempt: clock, processor and memory. */
export class UsageMeter {
  readonly #where: string;
  #runMs = 0;
  #stagingMs = 0;
  #cpuMs = 0;

  constructor(where: string) {
    this.#where = where;
  }

  /** Counts the time of `work` as the user's. */
  async running<T>(work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const cpuBefore = process.cpuUsage();
    try {
      return await work();
    } finally {
      const cpu = process.cpuUsage(cpuBefore);
      this.#cpuMs += (cpu.user + cpu.system) / 1000;
      this.#runMs += performance.now() - startMs;
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
    return {
      runMs: this.#runMs,
      stagingMs: this.#stagingMs,
      cpuMs: this.#cpuMs,
      // maxRSS is in KiB (getrusage(2)).
      peakMemoryMiB: resourceUsage().maxRSS / 1024,
      where: this.#where,
    };
  }
}
