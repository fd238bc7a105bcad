import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { untilAborted } from '../../data/until-aborted.js';
import { messageOf, SluiceError } from '../../errors.js';
import type { Launcher } from '../../launchers/launcher.js';
import { ensureReaper } from '../../run/reaper-link.js';
import type { BlockJob, ExecutionProvider, JobStatus, ProviderContext } from '../provider.js';
import { blockScript } from './block-script.js';
import { type LocalBlock, startLocalBlock } from './local-block.js';
import {
  type LocalProviderOptions,
  type ResolvedLocalProviderOptions,
  resolveLocalProviderOptions,
} from './local-provider-options.js';

/**
 * Runs blocks as processes of this machine: each is `blocks/<label>/<block id>.sh` of the run directory under `/bin/bash`, in
 * the client's working directory, with its output beside the script. The job's environment goes through the process's
 * and into no file. A block starts at once; it ends with its script, with all that it started; and with the client, also
 * when that is killed.
 */
export class LocalProvider implements ExecutionProvider {
  readonly name = 'local';
  readonly nodesPerBlock: number;
  readonly launcher: Launcher;
  readonly initBlocks: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  readonly parallelism: number;
  readonly walltimeMs?: number;
  readonly runsOn = 'thisHost';
  readonly sharesFilesystem = true;
  readonly statusIntervalMs = 100;
  readonly #options: ResolvedLocalProviderOptions;
  readonly #blocks = new Map<string, LocalBlock>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #listeners: (() => void)[] = [];
  #context: ProviderContext | undefined;
  #closing = false;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: LocalProviderOptions = {}) {
    this.#options = resolveLocalProviderOptions(options);
    const { nodesPerBlock, initBlocks, minBlocks, maxBlocks, parallelism, walltimeMs } = this.#options;
    this.nodesPerBlock = nodesPerBlock;
    this.launcher = this.#options.launcher;
    this.initBlocks = initBlocks;
    this.minBlocks = minBlocks;
    this.maxBlocks = maxBlocks;
    this.parallelism = parallelism;
    if (walltimeMs !== undefined) this.walltimeMs = walltimeMs;
  }

  async start(context: ProviderContext): Promise<void> {
    if (this.#context !== undefined) {
      throw new SluiceError(
        'INVALID_OPTIONS',
        'this LocalProvider has been started before: make one for each executor',
      );
    }
    this.#context = context;
    ensureReaper();
    await mkdir(join(context.runDir, 'blocks', context.label), { recursive: true });
  }

  /** Rejects with `SUBMIT_REJECTED` also after `close`, and for a block id that the run has had. */
  async submit(job: BlockJob, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const starting = this.#start(job);
    this.#starting.add(starting);
    try {
      const block = await starting;
      const jobId = this.#follow(block);
      // Where nobody gets its id, it must not run on unseen.
      if (signal.aborted || this.#closing) block.end('cancelled');
      signal.throwIfAborted();
      if (this.#closing) throw rejected(job, CLOSED);
      return jobId;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async status(jobIds: readonly string[], signal: AbortSignal): Promise<readonly JobStatus[]> {
    signal.throwIfAborted();
    return jobIds.map((jobId) => ({ jobId, ...(this.#blocks.get(jobId)?.status() ?? { state: 'missing' }) }));
  }

  /** Resolves when they have ended, which takes as long as the grace at most. */
  async cancel(jobIds: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const blocks = jobIds.map((jobId) => this.#blocks.get(jobId)).filter((block) => block !== undefined);
    await untilAborted(endAll(blocks), signal);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#starting);
    await endAll([...this.#blocks.values()]);
  }

  async #start(job: BlockJob): Promise<LocalBlock> {
    const context = this.#context;
    if (context === undefined) throw rejected(job, 'the provider is not started');
    if (this.#closing) throw rejected(job, CLOSED);
    if (!/^\w[\w.-]*$/.test(job.blockId)) throw rejected(job, 'its id is no file name');
    try {
      return await startLocalBlock({
        path: join(context.runDir, 'blocks', context.label, job.blockId),
        script: blockScript(job, this.#options),
        environment: job.environment,
        mark: `${context.runId}-${context.label}-${job.blockId}-${randomUUID()}`,
        walltimeMs: this.walltimeMs,
        graceMs: this.#options.graceMs,
      });
    } catch (error) {
      throw rejected(job, messageOf(error), error);
    }
  }

  #follow(block: LocalBlock): string {
    const jobId = `${block.pid}-${this.#blocks.size + 1}`;
    this.#blocks.set(jobId, block);
    void block.ended.then(() => {
      for (const listener of this.#listeners) listener();
    });
    return jobId;
  }
}

const CLOSED = 'the provider is closed';

async function endAll(blocks: readonly LocalBlock[]): Promise<void> {
  for (const block of blocks) block.end('cancelled');
  await Promise.all(blocks.map(({ ended }) => ended));
}

function rejected(job: BlockJob, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SUBMIT_REJECTED', `block '${job.blockId}' could not be started on this machine: ${why}`, {
    cause,
  });
}
