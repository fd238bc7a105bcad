import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { strToU8, zipSync } from 'fflate';
import { SluiceError } from '../../errors.js';

/** Handler of the bundle, as Lambda wants it. */
export const BUNDLE_HANDLER = 'index.handler';

/** The worker as one file, zipped for Lambda; the same bytes every time. */
export async function zippedWorkerBundle(): Promise<Uint8Array> {
  const path = bundlePath();
  const source = await readFile(path).catch((cause: unknown) => {
    throw new SluiceError(
      'NOT_FOUND',
      `the bundled worker is not at ${path}: build the package first (npm run build)`,
      { cause },
    );
  });
  // A fixed date, so that one worker has one CodeSha256. ZIP dates begin in 1980 and are local: so is this one.
  const mtime = new Date(1980, 5, 1);
  const files = { 'index.mjs': new Uint8Array(source), 'package.json': strToU8('{"type":"module"}') };
  return zipSync(files, { level: 6, mtime });
}

// Both dist/executors/lambda and src/executors/lambda lie two folders below the package's root's child.
function bundlePath(): string {
  return fileURLToPath(new URL('../../../dist/lambda-bundle/index.mjs', import.meta.url));
}
