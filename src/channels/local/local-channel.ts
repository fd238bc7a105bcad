import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { localFailure, writeWhole } from '../../data/write-whole.js';
import { SluiceError } from '../../errors.js';
import { readFileTail } from '../../run/file-tail.js';
import type { Channel, CommandOptions, CommandResult } from '../channel.js';
import {
  type LocalChannelOptions,
  type ResolvedLocalChannelOptions,
  resolveLocalChannelOptions,
} from './local-channel-options.js';
import { runLocally } from './run-locally.js';

/**
 * Runs commands on this machine. A command is over when its program is: what that left in its process group is ended,
 * and nothing of it outlives this process; what has called `setsid` is let go, as daemons want it.
 */
export class LocalChannel implements Channel {
  readonly name = 'local';
  readonly sharesFilesystem = true;
  readonly #options: ResolvedLocalChannelOptions;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<CommandResult>>();

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: LocalChannelOptions = {}) {
    this.#options = resolveLocalChannelOptions(options);
  }

  async folder(runId: string): Promise<string> {
    const path = join(resolve(this.#options.root), runId, 'blocks');
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw localFailure(`create the folder ${path}`, error);
    });
    return path;
  }

  async run(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const { signal } = options;
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const result = runLocally(argv, { ...options, signal: AbortSignal.any([signal, this.#closing.signal]) });
    this.#running.add(result);
    try {
      return await result;
    } finally {
      this.#running.delete(result);
    }
  }

  async writeFile(
    path: string,
    content: string | Uint8Array,
    { mode, signal }: { readonly mode: number; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    await writeWhole(path, async (temporaryPath) => {
      await writeFile(temporaryPath, content, { mode, signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw localFailure(`write ${path}`, error);
      });
      // The process's umask may have taken bits away.
      await chmod(temporaryPath, mode);
    });
  }

  async readTail(
    path: string,
    { bytes, signal }: { readonly bytes: number; readonly signal: AbortSignal },
  ): Promise<string> {
    signal.throwIfAborted();
    return readFileTail(path, bytes).catch((error: unknown) => {
      throw localFailure(`read ${path}`, error);
    });
  }

  /** Ends the commands that run, and waits for that. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new SluiceError('COMMAND_FAILED', 'the local channel is closed'));
    await Promise.allSettled(this.#running);
  }
}
