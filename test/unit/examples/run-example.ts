import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Runs an example as it stands, in a folder of its own. */
export function runExample(
  name: string,
  args: readonly string[],
  directory: string,
): Promise<{ readonly exitCode: unknown; readonly stdout: string; readonly stderr: string }> {
  const script = fileURLToPath(new URL(`../../../examples/${name}.ts`, import.meta.url));
  return new Promise((resolve) => {
    const options = { cwd: directory, timeout: 110_000 };
    execFile(process.execPath, ['--import', tsx, script, ...args], options, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }),
    );
  });
}
