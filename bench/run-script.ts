import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Runs a script of this folder in a process of its own, with `gc()`, and gives on what it sends; resolves with all of
 * it. The package it imports is the built one.
 */
export async function runScript<T>(
  script: string,
  args: readonly string[],
  onMessage: (message: T) => void = () => undefined,
  execArgv: readonly string[] = [],
): Promise<readonly T[]> {
  const messages: T[] = [];
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--expose-gc', '--import', 'tsx', ...execArgv],
    env: {
      ...process.env,
      TSX_TSCONFIG_PATH: fileURLToPath(new URL('tsconfig.json', import.meta.url)),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  });
  child.on('message', (message) => {
    messages.push(message as T);
    onMessage(message as T);
  });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${code ?? signal}`);
  return messages;
}
