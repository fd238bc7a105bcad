import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { RunStats } from '../kernel/run-stats.js';

/** What a control socket is asked: one line of JSON. */
export type ControlRequest =
  | { readonly ask: 'status' }
  /** For one executor that takes instructions. */
  | { readonly ask: 'instruct'; readonly executor: string; readonly instruction: object };

/** What it answers to `status`: one line of JSON, then the end. */
export interface RunStatus {
  readonly runId: string;
  readonly pid: number;
  readonly stats: RunStats;
  /** What executors show of themselves, by label. */
  readonly executors: Readonly<Record<string, object>>;
}

/** What it answers to `instruct`. */
export type InstructAnswer =
  | { readonly done: object }
  | { readonly error: { readonly code: string; readonly message: string } };

/** What the socket asks of its run. */
interface Observed {
  readonly runId: string;
  readonly runDir: string;
  /** As they are now: others may be added. */
  readonly executors: readonly Executor[];
  stats(): RunStats;
}

// sun_path of unix(7), with its terminating NUL; 104 on macOS.
const LONGEST_SOCKET_PATH = 103;

/**
 * Answers whoever connects to `control.sock` in the run directory and says what it wants: `sluice status`, `sluice
 * htex`. The answer closes it. A path too long for a socket has none, with a warning; nothing else depends on it.
 */
export async function openControlSocket(run: Observed): Promise<() => Promise<void>> {
  const path = join(run.runDir, 'control.sock');
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    process.emitWarning(`${path} is too long for a socket: sluice status will not see this run`, 'SluiceWarning');
    return async () => {};
  }
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    createInterface({ input: client }).once('line', (line) => {
      void answer(run, line).then((text) => client.end(`${JSON.stringify(text)}\n`));
    });
  });
  server.listen(path);
  await once(server, 'listening');
  // Being asked is no reason to live on.
  server.unref();
  return async () => {
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  };
}

async function answer(run: Observed, line: string): Promise<RunStatus | InstructAnswer> {
  try {
    const request = JSON.parse(line) as ControlRequest;
    return request.ask === 'instruct' ? { done: await instruct(run, request) } : statusOf(run);
  } catch (error) {
    return { error: { code: error instanceof SluiceError ? error.code : 'PROTOCOL', message: messageOf(error) } };
  }
}

function statusOf({ runId, executors, stats }: Observed): RunStatus {
  const shown = executors.flatMap((executor) => {
    return executor.inspect === undefined ? [] : [[executor.label, executor.inspect()] as const];
  });
  return { runId, pid: process.pid, stats: stats(), executors: Object.fromEntries(shown) };
}

function instruct({ executors }: Observed, request: ControlRequest & { ask: 'instruct' }): Promise<object> {
  const able = executors.filter((executor) => executor.instruct !== undefined);
  const executor = able.find(({ label }) => label === request.executor);
  if (executor?.instruct !== undefined) return executor.instruct(request.instruction);
  const labels = able.map(({ label }) => `'${label}'`).join(', ') || 'none';
  throw new SluiceError(
    'UNKNOWN_LABEL',
    `no executor '${request.executor}' takes instructions in this run: those that do are ${labels}`,
  );
}
