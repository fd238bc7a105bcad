import type { InvocationFault } from '../faults/fault.js';
import type { ConcurrencyLedger } from './concurrency-ledger.js';
import { Environment, type EnvironmentHost } from './environment.js';
import type { FunctionRecord } from './function-record.js';
import type { InvocationRequest, InvocationResult } from './invocation-outcome.js';
import { LambdaError, throttled } from './lambda-error.js';
import { StartGate } from './start-gate.js';

/** Limits of an {@link EnvironmentPool}. */
export interface PoolLimits {
  /** Processes at the same time, over all functions. */
  readonly maxEnvironments: number;
  /** How long an environment stays warm without work, in milliseconds. */
  readonly idleMs: number;
}

interface IdleEnvironment {
  readonly environment: Environment;
  readonly timer: NodeJS.Timeout;
}

/**
 * The execution environments of all functions: started when an invocation finds none idle, used again last in first
 * out, ended after a time without work, when their function changes, and at close.
 */
export class EnvironmentPool {
  readonly #host: EnvironmentHost;
  readonly #limits: PoolLimits;
  readonly #ledger: ConcurrencyLedger;
  readonly #isCurrent: (record: FunctionRecord) => boolean;
  readonly #all = new Set<Environment>();
  /** Oldest first. */
  readonly #idle: IdleEnvironment[] = [];
  #closing = false;

  constructor(
    host: Omit<EnvironmentHost, 'startGate'>,
    limits: PoolLimits,
    ledger: ConcurrencyLedger,
    isCurrent: (record: FunctionRecord) => boolean,
  ) {
    this.#host = { ...host, startGate: new StartGate() };
    this.#limits = limits;
    this.#ledger = ledger;
    this.#isCurrent = isCurrent;
  }

  /**
   * Runs the function once; never waits for room.
   *
   * @throws {LambdaError} `TooManyRequestsException` when there is no room; `ServiceException` when local-cloud closes.
   */
  async invoke(record: FunctionRecord, request: InvocationRequest, fault?: InvocationFault): Promise<InvocationResult> {
    const leave = this.#ledger.enter(record.name);
    try {
      for (;;) {
        const result = await this.#invokeOnce(record, request, fault);
        if (this.#closing) throw closing();
        if (result !== undefined) return result;
      }
    } finally {
      leave();
    }
  }

  /** Ends idle environments of functions that have changed or are gone; busy ones end with their invocation. */
  recycle(): void {
    for (const { environment } of [...this.#idle]) if (!this.#isCurrent(environment.record)) this.#end(environment);
  }

  /** Kills every environment, busy or not, and waits until all are gone. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#all].map((environment) => environment.close()));
  }

  async #invokeOnce(
    record: FunctionRecord,
    request: InvocationRequest,
    fault: InvocationFault | undefined,
  ): Promise<InvocationResult | undefined> {
    if (this.#closing) throw closing();
    const environment =
      fault?.kind === 'coldStart'
        ? this.#startCold(record, fault.initMs)
        : (this.#takeIdle(record) ?? this.#startNew(record));
    try {
      return await environment.invoke(request, fault);
    } finally {
      this.#giveBack(environment);
    }
  }

  #takeIdle(record: FunctionRecord): Environment | undefined {
    // A function that was deleted and created again is another one: the revision tells, the name does not.
    const entry = this.#idle.findLast(
      ({ environment }) => environment.alive && environment.record.revisionId === record.revisionId,
    );
    if (entry === undefined) return undefined;
    this.#forgetIdle(entry);
    return entry.environment;
  }

  /** In place of a warm one, which is thrown away. */
  #startCold(record: FunctionRecord, initMs: number | undefined): Environment {
    const warm = this.#takeIdle(record);
    if (warm !== undefined) this.#end(warm);
    return this.#startNew(record, initMs);
  }

  #startNew(record: FunctionRecord, initDelayMs = 0): Environment {
    const { maxEnvironments } = this.#limits;
    const oldest = this.#idle[0];
    if (this.#countAlive() >= maxEnvironments && oldest !== undefined) this.#end(oldest.environment);
    if (this.#countAlive() >= maxEnvironments) throw throttled('ConcurrentInvocationLimitExceeded');
    const environment = new Environment(this.#host, record, { initDelayMs });
    this.#all.add(environment);
    void environment.ended.then(() => {
      this.#end(environment);
      this.#all.delete(environment);
    });
    return environment;
  }

  /** Those that die take no place any more, though close() still waits for them. */
  #countAlive(): number {
    return [...this.#all].filter((environment) => environment.alive).length;
  }

  #giveBack(environment: Environment): void {
    if (this.#closing || !environment.alive || !this.#isCurrent(environment.record)) {
      this.#end(environment);
      return;
    }
    const timer = setTimeout(() => this.#end(environment), this.#limits.idleMs).unref();
    this.#idle.push({ environment, timer });
  }

  #end(environment: Environment): void {
    const entry = this.#idle.find((idle) => idle.environment === environment);
    if (entry !== undefined) this.#forgetIdle(entry);
    void environment.close();
  }

  #forgetIdle(entry: IdleEnvironment): void {
    clearTimeout(entry.timer);
    this.#idle.splice(this.#idle.lastIndexOf(entry), 1);
  }
}

function closing(): LambdaError {
  return new LambdaError('ServiceException', 'local-cloud is closing');
}
