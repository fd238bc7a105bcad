import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ControlRequest } from '../run/control-socket.js';

/**
 * Asks a run that is under way, by its control socket.
 *
 * @param runDir directory of the run; default: the newest below `sluice-runs`
 * @throws {SluiceError} `NOT_FOUND` when no run answers there
 */
export async function askRun<Answer>(runDir: string | undefined, request: ControlRequest): Promise<Answer> {
  const path = join(resolve(runDir ?? (await newestRun('sluice-runs'))), 'control.sock');
  const socket = connect(path);
  let answer = '';
  try {
    socket.end(`${JSON.stringify(request)}\n`);
    for await (const chunk of socket) answer += String(chunk);
    return JSON.parse(answer) as Answer;
  } catch (cause) {
    throw new SluiceError('NOT_FOUND', `no run answers at ${path}: it has ended, or never was`, { cause });
  } finally {
    socket.destroy();
  }
}

async function newestRun(root: string): Promise<string> {
  const runs = await readdir(root).catch(() => []);
  const newest = runs.sort().at(-1);
  if (newest === undefined) {
    throw new SluiceError('NOT_FOUND', `there is no run below ${resolve(root)}: name its directory`);
  }
  return join(root, newest);
}
