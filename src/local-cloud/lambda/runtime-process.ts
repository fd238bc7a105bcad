import { spawn } from 'node:child_process';
import type { ProcessWatcher } from '../../run/process-watcher.js';
import type { GroupReaper } from './group-reaper.js';
import type { EnvironmentEnd } from './invocation-failure.js';

/** What a runtime's process is started with. */
export interface RuntimeProcessSpec {
  /** Path of its main. */
  readonly main: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly memoryMb: number;
  readonly watcher: ProcessWatcher;
  readonly reaper: GroupReaper;
  onOutput(chunk: Buffer): void;
  /** Called once: the process ended, or could not be started (`error`). */
  onEnd(end: EnvironmentEnd, error?: Error): void;
}

/** The process of one execution environment, leader of a group of its own. */
export interface RuntimeProcess {
  /** Why it is being ended by this side, from then on: it may go on for a moment, and even answer. */
  readonly ending: EnvironmentEnd | undefined;
  /** Largest resident memory of the process and all it started so far, in MB, at most the function's memory. */
  peakMemoryMb(): number;
  /** Memory is watched while the environment works. */
  watchMemory(): void;
  restWatching(): void;
  /** Kills the process and all it started; `onEnd` is told the reason given here. */
  end(reason: EnvironmentEnd): void;
}

const MIB = 1024 * 1024;

/** Starts the runtime; its stdin is a pipe that nobody writes to, whose end tells it that local-cloud is gone. */
export function startRuntimeProcess(spec: RuntimeProcessSpec): RuntimeProcess {
  const child = spawn(process.execPath, [...v8Flags(spec.memoryMb), spec.main], {
    cwd: spec.cwd,
    env: { ...spec.variables },
    stdio: 'pipe',
    detached: true,
  });
  let peakBytes = 0;
  let reason: EnvironmentEnd | undefined;
  const end = (given: EnvironmentEnd): void => {
    reason ??= given;
    tree?.kill();
  };
  const tree =
    child.pid === undefined
      ? undefined
      : spec.watcher.watch(child.pid, (rssBytes) => {
          peakBytes = Math.max(peakBytes, rssBytes);
          if (rssBytes > spec.memoryMb * MIB) end({ kind: 'memory' });
        });
  if (child.pid !== undefined) spec.reaper.watch(child.pid);

  child.stdin.on('error', () => undefined);
  child.stdout.on('data', spec.onOutput);
  child.stderr.on('data', spec.onOutput);
  child.once('error', (error) => spec.onEnd({ kind: 'exit', code: null, signal: null }, error));
  child.once('exit', (code, signal) => {
    // What the process started and left behind ends with it.
    tree?.kill();
    tree?.release();
    if (child.pid !== undefined) spec.reaper.forget(child.pid);
    spec.onEnd(reason ?? { kind: 'exit', code, signal });
  });
  return {
    get ending() {
      return reason;
    },
    peakMemoryMb: () =>
      reason?.kind === 'memory' ? spec.memoryMb : Math.min(spec.memoryMb, Math.ceil(peakBytes / MIB)),
    watchMemory: () => tree?.resume(),
    restWatching: () => tree?.pause(),
    end,
  };
}

/**
 * Lambda's runtime sizes V8's heap by the function's memory: nine tenths for old objects, a twentieth for new ones. And
 * it freezes idle environments: there, as here, V8 collects no garbage, and throws away no code, while nothing runs.
 */
function v8Flags(memoryMb: number): string[] {
  const semiSpaceMb = Math.min(16, Math.floor(memoryMb / 20));
  const heap = [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`, `--max-semi-space-size=${semiSpaceMb}`];
  return [...heap, '--no-memory-reducer'];
}
