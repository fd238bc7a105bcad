import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts `cloud-main.ts`, and leads this process's SDK there. */
export async function startCloudProcess(environments: number): Promise<AsyncDisposable> {
  const child = fork(fileURLToPath(new URL('cloud-main.ts', import.meta.url)), [`${environments}`]);
  const ended = once(child, 'exit');
  const [variables] = await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error('local-cloud did not start'))),
  ]);
  Object.assign(process.env, variables);
  return {
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await ended;
    },
  };
}
