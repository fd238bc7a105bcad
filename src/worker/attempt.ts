import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../apps/io.js';
import { sh } from '../apps/shell-quote.js';
import { DataFile } from '../data/data-file.js';
import { streamsOf, type TaskEnvelope } from '../wire/task-envelope.js';
import type { RunnerParts } from './task-runner.js';

/** One attempt on its worker: its folders, its files, its Io. Folders are made when first needed. */
export class Attempt {
  readonly envelope: TaskEnvelope;
  readonly signal: AbortSignal | undefined;
  readonly #parts: RunnerParts;
  #folder: string | undefined;

  constructor(envelope: TaskEnvelope, parts: RunnerParts, signal: AbortSignal | undefined) {
    this.envelope = envelope;
    this.#parts = parts;
    this.signal = signal;
  }

  /** The folder the app may use as it likes. */
  get scratch(): string {
    return this.#subfolder('scratch');
  }

  /** Gives every file that was decoded its local copy. */
  async stageIn(files: readonly DataFile[]): Promise<void> {
    if (files.length === 0) return;
    const staging = this.#parts.backends.staging();
    const paths = await staging.stageIn(files, {
      directory: this.#subfolder('inputs'),
      signal: this.#stop,
      relayed: this.envelope.relayed ?? {},
    });
    for (const file of files) {
      const path = paths.get(file.url);
      if (path !== undefined) file.settleAt(path);
    }
  }

  /** Puts every declared output, and the command's streams, where they belong. */
  stageOut(): Promise<void> {
    return this.#stageOut([...this.envelope.outputs, ...streamsOf(this.envelope)]);
  }

  /** Brings what a failed command has written to its streams: best effort, since the failure itself counts more. */
  async stageOutStreams(): Promise<void> {
    await Promise.allSettled(streamsOf(this.envelope).map((url) => this.#stageOut([url])));
  }

  /** Where the app is to write a declared output. */
  outputPath(url: string): string {
    return this.#parts.backends.staging().outputPath(url, this.#subfolder('outputs'));
  }

  /** What the app gets as its last parameter. */
  io(inputs: readonly DataFile[]): Io {
    const { taskId, attempt, outputs, stdout, stderr } = this.envelope;
    const place = (url: string): DataFile => new DataFile(url).at(this.outputPath(url));
    const self = this;
    return {
      inputs,
      outputs: outputs.map(place),
      stdout: stdout === undefined ? undefined : place(stdout),
      stderr: stderr === undefined ? undefined : place(stderr),
      get scratch() {
        return self.scratch;
      },
      sh,
      taskId,
      attempt,
    };
  }

  /** Removes whatever the attempt left in its folders. Never rejects: a file that cannot go must not fail the task. */
  async cleanUp(): Promise<void> {
    if (this.#folder === undefined) return;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
  }

  // Made only where staging needs one: signals cost more than small tasks.
  get #stop(): AbortSignal {
    return this.signal ?? new AbortController().signal;
  }

  async #stageOut(urls: readonly string[]): Promise<void> {
    if (urls.length === 0) return;
    const outputs = urls.map((url) => ({ url, path: this.outputPath(url) }));
    const options = { signal: this.#stop, relayed: this.envelope.relayed ?? {} };
    await this.#parts.backends.staging().stageOut(outputs, options);
  }

  #subfolder(name: 'scratch' | 'inputs' | 'outputs'): string {
    if (this.#folder === undefined) {
      mkdirSync(this.#parts.scratchRoot, { recursive: true });
      const { taskId, attempt } = this.envelope;
      this.#folder = mkdtempSync(join(this.#parts.scratchRoot, `task-${taskId}-${attempt}-`));
    }
    const path = join(this.#folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }
}
