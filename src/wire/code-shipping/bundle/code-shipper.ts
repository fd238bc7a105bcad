import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SluiceError } from '../../../errors.js';
import type { AppCode, CodeBundle } from '../../task-envelope.js';
import type { ShipCode } from '../ship-code.js';
import { rememberBundle } from '../stack/shipped-bundles.js';
import type { Bundle, BundleRequest } from './bundle.js';
import { addonFailure, bundleFailure, missingExport, notShippable } from './bundle-failure.js';
import { exportParameters } from './export-parameters.js';
import { functionModule } from './function-module.js';
import { packagesWithAddons } from './native-addons.js';
import { type Built, runEsbuild } from './run-esbuild.js';

/**
 * Bundles each code once for each kind of worker, when first asked. Workers that see the client's disk get the bundle
 * as a file in `folder`, the others as text.
 *
 * What it gives rejects with `CODE_NOT_SHIPPABLE` for an import that cannot be resolved, a native addon, an export that
 * is not there; then it does so each time without trying again.
 */
export function createCodeShipper(options: { readonly folder: string }): ShipCode {
  const built = new Map<string, Promise<Built>>();
  const shipped = new WeakMap<AppCode, Map<string, Promise<AppCode>>>();
  return (code, destination) => {
    const packages = destination.sharesProject ? 'outside' : 'inside';
    const key = `${packages} ${destination.sharesFilesystem}`;
    const known = shipped.get(code) ?? new Map<string, Promise<AppCode>>();
    shipped.set(code, known);
    return remembered(known, key, async () => {
      const bundle = await bundleOf(code, packages, (build) =>
        remembered(built, `${packages} ${contentKey(code)}`, build),
      );
      rememberBundle(code, bundle);
      const sent = destination.sharesFilesystem ? await asFile(bundle, options.folder) : asText(bundle);
      return withBundle(code, bundle, sent);
    });
  };
}

/** Answers with what was made before; what will fail again is remembered as well. */
function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  const made = make();
  known.set(key, made);
  made.catch((error: unknown) => {
    const isFinal = error instanceof SluiceError && error.class === 'usage';
    if (!isFinal) known.delete(key);
  });
  return made;
}

function contentKey({ exportName, definedIn, hash, setup }: AppCode): string {
  return exportName === undefined ? [hash, setup?.hash, folderOf(definedIn)].join(' ') : `module ${definedIn}`;
}

async function bundleOf(
  code: AppCode,
  packages: BundleRequest['packages'],
  once: (build: () => Promise<Built>) => Promise<Built>,
): Promise<Bundle> {
  const folder = folderOf(code.definedIn);
  const sources = { app: code.source, ...(code.setup !== undefined && { setup: code.setup.source }) };
  const made = code.exportName === undefined ? functionModule(sources, code.definedIn) : undefined;
  const entry = made === undefined ? { path: fileURLToPath(code.definedIn) } : { text: made.text, folder };
  const { bundle, inputs } = await once(() => runEsbuild({ entry, packages })).catch((error: unknown) => {
    throw bundleFailure(error, code, folder);
  });
  const addons = packages === 'inside' ? packagesWithAddons(inputs) : [];
  if (addons.length > 0) throw addonFailure(addons, code);
  return made === undefined ? bundle : { ...bundle, firstLines: made.firstLines };
}

function withBundle(code: AppCode, bundle: Bundle, sent: CodeBundle): AppCode {
  const { imports: _, ...rest } = code;
  const setup = code.setup && { setup: { ...code.setup, source: '' } };
  const hash = createHash('sha256')
    .update(`${bundle.hash} ${code.exportName ?? ''}`)
    .digest('hex');
  return { ...rest, ...setup, source: '', hash, arity: arityOf(code, bundle), bundle: sent };
}

function arityOf(code: AppCode, { exports, text }: Bundle): number {
  const { exportName } = code;
  if (exportName === undefined) return code.arity;
  // What a CommonJS module exports shows on the worker only.
  const isCommonJs = exports.length === 1 && exports[0] === 'default';
  if (!isCommonJs && !exports.includes(exportName)) throw missingExport(code, exports);
  if (!code.io) return code.arity;
  const counted = exportParameters(text, exportName);
  if (counted.kind === 'counted' && !counted.hasRest) return Math.max(0, counted.parameterCount - 1);
  throw notShippable(
    code,
    `the place of Io after the parameters of '${exportName}' is not fixed: export a function as such, without a rest parameter`,
  );
}

function asText({ hash, text }: Bundle): CodeBundle {
  return { kind: 'inline', hash, text };
}

async function asFile({ hash, text }: Bundle, folder: string): Promise<CodeBundle> {
  const path = join(folder, `${hash}.mjs`);
  await mkdir(folder, { recursive: true });
  // Whole or not at all: a worker may import it the next moment, and several codes may come to one bundle.
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
  return { kind: 'reference', hash, url: pathToFileURL(path).href };
}

function folderOf(definedIn: string): string {
  return definedIn.startsWith('file:') ? dirname(fileURLToPath(definedIn)) : process.cwd();
}
