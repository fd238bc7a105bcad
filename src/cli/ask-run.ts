import { connect } from 'node:net';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ControlRequest } from '../run/control-socket.js';
import { runDirectory } from './run-directory.js';

/**
 * Asks a run that is under way, by its control socket.
 *
 * @param runDir directory of the run; default: the newest below `sluice-runs`
 * @throws {SluiceError} `NOT_FOUND` when no run answers there
 */
export async function askRun<Answer>(runDir: string | undefined, request: ControlRequest): Promise<Answer> {
  const path = join(await runDirectory(runDir), 'control.sock');
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
