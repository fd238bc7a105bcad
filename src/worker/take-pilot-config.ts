import { closeSync, openSync, readFileSync } from 'node:fs';
import {
  decodePilotConfig,
  PILOT_FILE_VARIABLE,
  PILOT_STDIN,
  PILOT_VARIABLE,
  type PilotConfig,
} from '../wire/pilot/pilot-config.js';

/**
 * The configuration this process was started with. Takes it out of the environment, and out of the standard input where
 * it came by that: tasks inherit the one and could read the other, and must not see the keys.
 *
 * @throws when there is none
 */
export function takePilotConfig(): PilotConfig {
  const { [PILOT_VARIABLE]: inline, [PILOT_FILE_VARIABLE]: file } = process.env;
  delete process.env[PILOT_VARIABLE];
  delete process.env[PILOT_FILE_VARIABLE];
  const text = inline ?? (file === PILOT_STDIN ? takeStdin() : file && readFileSync(file, 'utf8'));
  if (text === undefined || text.trim() === '') {
    throw new Error(`there is no ${PILOT_VARIABLE} in the environment: managers are started by an executor`);
  }
  return decodePilotConfig(text.trim());
}

// It may be a file that has no name any more, and /proc/PID/fd would still lead there.
function takeStdin(): string {
  const text = readFileSync(0, 'utf8');
  closeSync(0);
  openSync('/dev/null', 'r');
  return text;
}
