/**
 * The main of an interchange: between a client and the managers of its blocks, in a process of its own so that nobody
 * waits for a client that computes. Runs none of the user's code.
 *
 * stdin: one line, an `InterchangeConfig`; when stdin ends, the client is gone, however it ended, and so is this.
 * stdout: one line, an `InterchangeAnswer`.
 */
import { createInterface } from 'node:readline';
import { messageOf, SluiceError } from '../errors.js';
import { startInterchange } from './interchange.js';
import { type InterchangeAnswer, parseInterchangeConfig } from './interchange-config.js';

process.title = 'sluice-interchange';
// Ctrl-C reaches the whole group: the client decides what it means, and may still want results.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
const clientGone = new Promise<void>((resolve) => lines.once('close', resolve));
const config = await new Promise<string>((resolve) => {
  lines.once('line', resolve);
  void clientGone.then(() => resolve(''));
});

try {
  const interchange = await startInterchange(parseInterchangeConfig(config));
  answer({ port: interchange.port });
  void clientGone.then(() => interchange.stop('the client is gone'));
  process.on('SIGTERM', () => interchange.stop('the interchange was told to end'));
  await interchange.ended;
  process.exit(0);
} catch (error) {
  answer({
    error: { code: error instanceof SluiceError ? error.code : 'INTERCHANGE_LOST', message: messageOf(error) },
  });
  process.exitCode = 1;
  lines.close();
  process.stdin.destroy();
}

function answer(line: InterchangeAnswer): void {
  // A client that is gone does not read it.
  process.stdout.on('error', () => {});
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
