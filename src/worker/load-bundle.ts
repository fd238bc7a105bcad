import { createHash } from 'node:crypto';
import { SluiceError } from '../errors.js';
import { importModule } from '../wire/code-shipping/compile.js';
import type { CodeBundle } from '../wire/task-envelope.js';
import { keepBundle } from './bundle-file.js';

/** What a worker loads bundles with. */
export interface BundleParts {
  /** Folder below which bundles are kept. */
  readonly scratchRoot: string;
  readonly fetch: (url: string) => Promise<Uint8Array>;
}

/** Imports a bundle of code; rejects as fetching and importing do, and with `PROTOCOL` when it is not what was sent. */
export async function loadBundle(bundle: CodeBundle, parts: BundleParts): Promise<Readonly<Record<string, unknown>>> {
  return importModule(await urlOf(bundle, parts));
}

async function urlOf(bundle: CodeBundle, { scratchRoot, fetch }: BundleParts): Promise<string> {
  if (bundle.kind === 'reference' && bundle.url.startsWith('file:')) return bundle.url;
  const text = bundle.kind === 'inline' ? bundle.text : Buffer.from(await fetch(bundle.url)).toString();
  if (createHash('sha256').update(text).digest('hex') !== bundle.hash) {
    throw new SluiceError('PROTOCOL', `a bundle of code arrived changed: it should have the hash ${bundle.hash}`);
  }
  return keepBundle(scratchRoot, bundle.hash, text);
}
