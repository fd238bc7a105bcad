import { mkdirSync, mkdtempSync, type RmOptions, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Io } from '../apps/io.js';
import { sh } from '../apps/shell-quote.js';
import type { CachedInputs } from '../data/cache/cached-inputs.js';
import { DataFile } from '../data/data-file.js';
import { shownUrl } from '../data/shown-url.js';
import type { FileIdentity } from '../data/staging.js';
import type { StagingManager } from '../data/staging-manager.js';
import { makeFolder } from '../data/write-whole.js';
import { SluiceError } from '../errors.js';
import type { InputUsage } from '../wire/outcome.js';
import { replacedStreamsOf, type StreamName, type TaskEnvelope } from '../wire/task-envelope.js';
import { type Homes, NO_HOMES } from './node-peers.js';
import { openStreamFiles, type StreamFiles } from './stream-files.js';
import type { AttemptOptions, AttemptParts } from './task-runner.js';

/** One attempt on its worker: its folders, its files, its Io. Folders are made when first needed. */
export class Attempt {
  readonly envelope: TaskEnvelope;
  readonly signal: AbortSignal | undefined;
  /** What the app's setup made on this worker. */
  context: unknown;
  readonly #parts: AttemptParts;
  readonly #receivedMs: number;
  #folder: string | undefined;
  /** No folder of the app's own is there, in which anything may be. */
  #hasInputsOnly = true;
  #cached: CachedInputs | undefined;
  #homes: Homes = NO_HOMES;
  #identities: Identities = NONE;

  /** @param receivedMs when it came to this worker, by `performance.now()` */
  constructor(
    envelope: TaskEnvelope,
    parts: AttemptParts,
    { signal, receivedMs = performance.now() }: AttemptOptions = {},
  ) {
    this.envelope = envelope;
    this.#parts = parts;
    this.signal = signal;
    this.#receivedMs = receivedMs;
  }

  /** The `SLUICE_ATTEMPT` of what the app starts: no other attempt of any run has it. */
  get mark(): string {
    const { runId, taskId, attempt } = this.envelope;
    return `${runId}-${taskId}-${attempt}`;
  }

  /** The folder the app may use as it likes. */
  get scratch(): string {
    return this.#subfolder('scratch');
  }

  /** Gives every file that was decoded its local copy. */
  async stageIn(files: readonly DataFile[]): Promise<void> {
    if (files.length === 0) return;
    const { taskId, attempt, app, runId, cache } = this.envelope;
    const { backends, peers } = this.#parts;
    const task = `attempt ${attempt} of task ${taskId} '${app.name}' (run ${runId})`;
    this.#cached = backends.cache(cache)?.openFor(task);
    const staging = await this.#staging();
    const paths = await staging.stageIn(files, {
      directory: this.#subfolder('inputs'),
      signal: this.#stop,
      receivedMs: this.#receivedMs,
      relayed: this.envelope.relayed ?? {},
      cached: this.#cached,
      elsewhere: peers?.elsewhere(this.envelope),
    });
    for (const file of files) {
      const path = paths.get(file.url);
      if (path !== undefined) file.settleAt(path);
    }
  }

  /**
   * Gives the inputs back to the node's cache: the app must not read them any more. Resolves with what they had of it, or
   * with `undefined` when there was nothing to give back. Never rejects.
   */
  async releaseInputs(): Promise<InputUsage | undefined> {
    const cached = this.#cached;
    this.#cached = undefined;
    const usage = await cached?.release();
    if (cached !== undefined) this.#parts.peers?.hasRead(this.envelope, cached.held);
    return usage === undefined || usage.hits + usage.misses === 0 ? undefined : usage;
  }

  /** Where the `temp:` outputs are that had no place yet, which are kept from now on; `undefined` where there are none. */
  keep(): Homes | undefined {
    return this.#homes === NO_HOMES ? undefined : this.#parts.peers?.keep(this.#homes, this.#identities);
  }

  /** They are of no use to anybody: the attempt has failed. Never rejects. */
  async discardOutputs(): Promise<void> {
    if (this.#homes !== NO_HOMES) await this.#parts.peers?.discard(this.#homes);
  }

  /** Puts every declared output, and the app's streams, where they belong. */
  async stageOut(): Promise<void> {
    const { outputs } = this.envelope;
    const streams = replacedStreamsOf(this.envelope);
    this.#homes = (await this.#parts.peers?.homesFor([...outputs, ...streams], this.envelope)) ?? NO_HOMES;
    this.#identities = await this.#stageOut(outputs, streams);
  }

  /** Brings what a failed app has written to its streams: best effort, since the failure itself counts more. */
  async stageOutStreams(): Promise<void> {
    await Promise.allSettled(replacedStreamsOf(this.envelope).map((url) => this.#stageOut([], [url])));
  }

  /**
   * Opens the files of the streams the call asks for. @throws {SluiceError} naming the path that cannot be written,
   * `INVALID_OPTIONS` when a file that is not on this machine's disk is to be appended to
   */
  openStreams(): StreamFiles {
    return openStreamFiles({ stdout: this.stdoutPath, stderr: this.#streamPath('stderr') });
  }

  /** What standard output goes to: the call's file, or one of the attempt's own where it is the app's value. */
  get stdoutPath(): string | undefined {
    const path = this.#streamPath('stdout');
    if (path !== undefined || this.envelope.app.returns === undefined) return path;
    return join(this.#subfolder('outputs'), 'stdout');
  }

  /** Where the app is to write a declared output. */
  outputPath(url: string): string {
    return this.#parts.backends.staging().outputPath(url, this.#subfolder('outputs'));
  }

  /** What the app gets as its last parameter. */
  io(inputs: readonly DataFile[]): Io<unknown> {
    const { taskId, attempt, outputs, aliases = {} } = this.envelope;
    const stream = (name: StreamName): DataFile | undefined => {
      const path = this.#streamPath(name);
      return path === undefined ? undefined : new DataFile(this.envelope[name] as string).at(path);
    };
    const self = this;
    return {
      inputs,
      outputs: outputs.map((url) => new DataFile(aliases[url] ?? url).at(this.outputPath(url))),
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      get scratch() {
        return self.scratch;
      },
      sh,
      context: this.context,
      taskId,
      attempt,
    };
  }

  get holdsInputs(): boolean {
    return this.#cached !== undefined;
  }

  get hasFolder(): boolean {
    return this.#folder !== undefined;
  }

  /** Removes whatever the attempt left in its folders. Never rejects: a file that cannot go must not fail the task. */
  async cleanUp(): Promise<void> {
    if (this.#folder === undefined) return;
    const how = { recursive: true, force: true, maxRetries: 2 };
    if (this.#hasInputsOnly) removeNow(this.#folder, how);
    else await rm(this.#folder, how).catch(() => {});
  }

  // Made only where staging needs one: signals cost more than small tasks.
  get #stop(): AbortSignal {
    return this.signal ?? new AbortController().signal;
  }

  // A stream that is appended to is written where it belongs; any other one comes there when the attempt is over.
  #streamPath(name: StreamName): string | undefined {
    const { [name]: url, appends, relayed } = this.envelope;
    if (url === undefined) return undefined;
    if (appends?.includes(name) !== true) return this.outputPath(url);
    const file = new DataFile(url);
    if (file.scheme !== 'file' || relayed?.[url] !== undefined) throw cannotAppend(url);
    makeFolder(dirname(file.path));
    return file.path;
  }

  async #stageOut(outputs: readonly string[], streams: readonly string[]): Promise<Identities> {
    if (outputs.length + streams.length === 0) return NONE;
    const written = [...outputs, ...streams].map((url) => ({ url, path: this.outputPath(url) }));
    // Logs on the client's disk are the run's own business, whatever the list of stagings says.
    const logs = streams.filter((url) => url.startsWith('file:')).map((url) => [url, url] as const);
    const relayed = { ...Object.fromEntries(logs), ...this.envelope.relayed, ...this.#homes };
    const staging = await this.#staging();
    return staging.stageOut(written, { signal: this.#stop, relayed });
  }

  #staging(): Promise<StagingManager> {
    const { backends, loadModule } = this.#parts;
    return backends.stagingOf(this.envelope.storage, loadModule);
  }

  #subfolder(name: 'scratch' | 'inputs' | 'outputs'): string {
    if (this.#folder === undefined) {
      mkdirSync(this.#parts.scratchRoot, { recursive: true });
      const { taskId, attempt } = this.envelope;
      this.#folder = mkdtempSync(join(this.#parts.scratchRoot, `task-${taskId}-${attempt}-`));
    }
    this.#hasInputsOnly &&= name === 'inputs';
    const path = join(this.#folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }
}

/** Of what was staged out, by URL. */
type Identities = ReadonlyMap<string, FileIdentity | undefined>;

const NONE: Identities = new Map();

// A few links or copies: by way of other threads it takes several times as long.
function removeNow(path: string, how: RmOptions): void {
  try {
    rmSync(path, how);
  } catch {
    // Best effort, as removing anything here is.
  }
}

function cannotAppend(url: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `${shownUrl(url)} cannot be appended to: it is not on a disk that this worker shares`,
  );
}
