import { DataFile } from '../../data/data-file.js';
import { localName } from '../../data/local-name.js';
import type { SeparateStagingOptions } from '../../data/separate-staging.js';
import { copyCode, type StagingName } from '../../wire/code-shipping/copy-code.js';
import type { AppFuture } from '../app-future.js';
import { callTemplate } from '../call-template.js';
import { DataFuture } from '../data-future.js';
import type { TaskRecord, Template } from '../task-record.js';
import type { TaskRequest } from '../task-request.js';
import type { TemporaryFile } from '../temporary-files/temporary-file.js';

/** A `temp:` file that a task reads for another one, by the URL of that. */
export interface StagedInput {
  readonly url: string;
  readonly file: TemporaryFile;
}

/** What separate staging needs of its kernel. */
export interface StagingKernel {
  /** Takes a call as it is; `staged` are read for inputs of the same URLs. */
  readonly take: (request: TaskRequest, call: Template, staged: readonly StagedInput[]) => AppFuture<unknown>;
  /** @throws {SluiceError} when no executor there is could take it */
  readonly check: (request: TaskRequest) => void;
  /** A `temp:` output of a call that was taken. */
  readonly fileOf: (future: AppFuture<unknown>, url: string) => TemporaryFile;
}

/** A stage-in task. */
interface StageIn {
  readonly future: AppFuture<unknown>;
  readonly file: TemporaryFile;
}

/**
 * Stages files by tasks of their own: a stage-in task brings an input before the tasks that read it, whatever their number, a
 * stage-out task puts an output after the task that makes it. Between them, files are `temp:` files.
 */
export class SeparateStaging {
  readonly #options: SeparateStagingOptions;
  readonly #kernel: StagingKernel;
  /** By URL, and by the task that makes the file. */
  readonly #stageIns = new Map<string, StageIn>();
  #names = 0;
  #forgetAt = FEW;

  constructor(options: SeparateStagingOptions, kernel: StagingKernel) {
    this.#options = options;
    this.#kernel = kernel;
  }

  /**
   * Takes a call, with the tasks that stage for it.
   *
   * @param join whose body makes the call
   * @throws {SluiceError} `UNKNOWN_LABEL` when there is no executor to stage on, and as the kernel's `take` does
   */
  submit(request: TaskRequest, call: Template, join: TaskRecord | undefined): AppFuture<unknown> {
    if (this.#options.executor !== undefined) this.#kernel.check(this.#requestFor('stage-in', request, ''));
    const inputs = this.#inputsOf(request, call);
    const outputs = request.outputs.map((url) => (this.#isStaged(url) ? this.#temporaryName(url) : url));
    try {
      const future = this.#takeWith(request, call, inputs, outputs);
      request.outputs.forEach((url, index) => {
        if (outputs[index] !== url)
          this.#stageOut(request, { future, from: outputs[index] as string, to: url, index, join });
      });
      return future;
    } finally {
      // Who reads them holds them from here on: they go with the last of these.
      for (const { file, future } of inputs.values()) future.release(file.url);
    }
  }

  #takeWith(
    request: TaskRequest,
    call: Template,
    inputs: ReadonlyMap<string, StageIn>,
    outputs: readonly string[],
  ): AppFuture<unknown> {
    const aliases = outputs.flatMap((name, index) =>
      name === request.outputs[index] ? [] : [[name, request.outputs[index]]],
    );
    const dependencies = [...call.dependencies, ...[...inputs.values()].map(({ future }) => future)];
    return this.#kernel.take(
      aliases.length === 0 ? request : { ...request, outputs, aliases: Object.fromEntries(aliases) },
      { ...call, dependencies },
      [...inputs].map(([url, { file }]) => ({ url, file })),
    );
  }

  /** Inputs that are brought by tasks of their own, by URL. */
  #inputsOf(request: TaskRequest, { files, dependencies }: Template): ReadonlyMap<string, StageIn> {
    const inputs = new Map<string, StageIn>();
    for (const url of files) {
      if (this.#isStaged(url)) inputs.set(url, this.#stageIn(request, url, new DataFile(url)));
    }
    for (const dependency of dependencies) {
      if (!(dependency instanceof DataFuture) || !this.#isStaged(dependency.url)) continue;
      inputs.set(dependency.url, this.#stageIn(request, `${dependency.taskId} ${dependency.url}`, dependency));
    }
    return inputs;
  }

  #stageIn(request: TaskRequest, key: string, source: DataFile | DataFuture): StageIn {
    const known = this.#stageIns.get(key);
    if (known !== undefined && isOfUse(known)) return known;
    const name = this.#temporaryName(source.url);
    const future = this.#kernel.take(this.#requestFor('stage-in', request, name), callTemplate([source], []), []);
    const staged = { future, file: this.#kernel.fileOf(future, name) };
    this.#stageIns.set(key, staged);
    if (this.#stageIns.size >= this.#forgetAt) this.#forgetUseless();
    return staged;
  }

  #forgetUseless(): void {
    for (const [key, staged] of this.#stageIns) if (!isOfUse(staged)) this.#stageIns.delete(key);
    this.#forgetAt = Math.max(FEW, 2 * this.#stageIns.size);
  }

  #stageOut(request: TaskRequest, { future, from, to, index, join }: StageOut): void {
    const call = callTemplate([new DataFuture(future, from)], []);
    const put = new DataFuture(this.#kernel.take(this.#requestFor('stage-out', request, to), call, []), to);
    future.release(from);
    future.placeOutput(index, put);
    // What a join is to make is there when it is where it belongs.
    if (join?.request.outputs.includes(to) !== true) return;
    join.rare ??= {};
    join.rare.stageOuts ??= [];
    join.rare.stageOuts.push(put);
  }

  #requestFor(name: StagingName, { executors, priority }: TaskRequest, output: string): TaskRequest {
    const { executor } = this.#options;
    return {
      appName: name,
      executors: executor === undefined ? executors : [executor],
      work: { kind: 'remote', code: copyCode(name) },
      outputs: [output],
      ...(priority !== undefined && { priority }),
    };
  }

  #isStaged(url: string): boolean {
    return this.#options.schemes.includes(url.slice(0, url.indexOf(':')));
  }

  // No segment of a user's name would begin so, and the last one is the file's own name.
  #temporaryName(url: string): string {
    const file = new DataFile(url);
    this.#names += 1;
    return `temp:.staged/${this.#names}/${encodeURIComponent(localName(file))}${file.isFolder ? '/' : ''}`;
  }
}

const FEW = 1_000;

// Once its last reader has ended it is freed; who comes later has it brought anew.
function isOfUse({ file, future }: StageIn): boolean {
  return (file.isWanted || future.settlement === undefined) && !file.hasFailed;
}

/** An output that is to be put where it belongs. */
interface StageOut {
  readonly future: AppFuture<unknown>;
  readonly from: string;
  readonly to: string;
  /** Its place among the outputs of the call. */
  readonly index: number;
  readonly join: TaskRecord | undefined;
}
