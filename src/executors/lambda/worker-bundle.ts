import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { strToU8, zipSync } from 'fflate';
import { SluiceError } from '../../errors.js';

/** Handler of the bundle, as Lambda wants it. */
export const BUNDLE_HANDLER = 'index.handler';

/** The worker as one file, zipped for Lambda; the same bytes every time. */
export async function zippedWorkerBundle(): Promise<Uint8Array> {
  const source = await readBundle().catch((cause: unknown) => {
    const text = 'the bundled worker is not there: build the package first (npm run build)';
    throw new SluiceError('NOT_FOUND', text, { cause });
  });
  // A fixed date, so that one worker has one CodeSha256. ZIP dates begin in 1980 and are local: so is this one.
  const mtime = new Date(1980, 5, 1);
  const files = { 'index.mjs': new Uint8Array(source), 'package.json': strToU8('{"type":"module"}') };
  return zipSync(files, { level: 6, mtime });
}

async function readBundle(): Promise<Uint8Array> {
  return readFile(createRequire(import.meta.url).resolve('#lambda-bundle'));
}
