import type { Executor, RunContext } from '../../executors/executor.js';

/** What the suite tests: an executor that is not started, and what it may use once it is. */
export interface ExecutorFixture {
  readonly executor: Executor;
  readonly run: RunContext;
  /** URL prefix, without a trailing slash, below which tasks may read and write: `file:///…` or `s3://…`. */
  readonly filesAt: string;
  /** Writes and reads what lies at a URL below `filesAt`. */
  readonly writeText: (url: string, text: string) => Promise<void>;
  readonly readText: (url: string) => Promise<string | undefined>;
  /** The bytes of a large result that came as a reference; absent where all results come with their outcome. */
  readonly fetch?: (url: string) => Promise<Uint8Array>;
  /** A folder that tasks may write to directly, where there is one: shows what runs on after an abort. */
  readonly markers?: string;
  /** Longest a task of the suite may take to start, in milliseconds, cold starts included. */
  readonly coldStartMs: number;
  /** Called after the executor was closed. */
  close(): Promise<void>;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (fixture: ExecutorFixture) => Promise<void>) => void;
