/** How a command ended. */
export interface CommandResult {
  /** 128 and the signal's number when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** The command is ended after so long, and `run` rejects with `COMMAND_FAILED`. */
  readonly timeoutMs: number;
  readonly stdin?: string;
  readonly cwd?: string;
  /** Added to the environment there. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a provider's commands run, and files are put for its jobs: this machine, or a login node over ssh. */
export interface Channel {
  /** Names the place in errors: `local`, `ssh://host`. */
  readonly name: string;
  /** Whether jobs started there see the client's disk under the same paths. */
  readonly sharesFilesystem: boolean;
  /** Absolute folder there for this run's scripts and output; made when first asked for. */
  folder(runId: string): Promise<string>;
  /** Runs a program (no shell). Rejects with `COMMAND_FAILED` when it cannot be started or exceeds `timeoutMs`, never for an exit code. */
  run(argv: readonly string[], options: CommandOptions): Promise<CommandResult>;
  /** Writes a file there as a whole; `mode` such as 0o600. */
  writeFile(
    path: string,
    content: string | Uint8Array,
    options: { readonly mode: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /** The last `bytes` of a file there; '' when there is none. */
  readTail(path: string, options: { readonly bytes: number; readonly signal: AbortSignal }): Promise<string>;
  close(): Promise<void>;
}
