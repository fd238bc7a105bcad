import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { BuildOptions, BuildResult } from 'esbuild';
import { type Bundle, type BundleRequest, ENTRY_NAME } from './bundle.js';
import { commonJsNames, fileUrls, installedPackages, ownUrls } from './esbuild-plugins.js';

/** What {@link runEsbuild} resolves with: the bundle, and the files that went into it. */
export interface Built {
  readonly bundle: Bundle;
  /** Absolute paths. */
  readonly inputs: readonly string[];
}

/** Bundles for Node 20.19 and later. Rejects as esbuild does. It is loaded at the first call. */
export async function runEsbuild(request: BundleRequest): Promise<Built> {
  const { build } = await import('esbuild');
  const { entry } = request;
  const folder = 'path' in entry ? dirname(entry.path) : entry.folder;
  const isApart = request.packages === 'inside';
  const result = await build({
    ...OPTIONS,
    ...('path' in entry ? { entryPoints: [entry.path] } : { stdin: stdinOf(entry) }),
    absWorkingDir: folder,
    outfile: join(folder, 'sluice-bundle.mjs'),
    // What `import.meta` says of a file is true only where the file is.
    plugins: [commonJsNames(), fileUrls(), ...(isApart ? [] : [installedPackages(), ownUrls()])],
  });
  return builtOf(result, folder);
}

const OPTIONS = {
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Conditions and fields of package.json as Node reads them.
  conditions: [],
  mainFields: ['main', 'module'],
  keepNames: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: 'external',
  sourcesContent: false,
  metafile: true,
  logLevel: 'silent',
  loader: { '.node': 'empty' },
  banner: {
    // CommonJS modules call require() for what Node has.
    js: "import{createRequire as __sluiceRequire}from'node:module';const require=__sluiceRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

function stdinOf({ text, folder }: { text: string; folder: string }): NonNullable<BuildOptions['stdin']> {
  return { contents: text, resolveDir: folder, sourcefile: ENTRY_NAME, loader: 'js' };
}

function builtOf({ outputFiles = [], metafile }: BuildResult, folder: string): Built {
  const text = outputFiles.find(({ path }) => path.endsWith('.mjs'))?.text ?? '';
  const map = outputFiles.find(({ path }) => path.endsWith('.map'))?.text ?? '';
  const output = Object.values(metafile?.outputs ?? {}).find(({ entryPoint }) => entryPoint !== undefined);
  const hash = createHash('sha256').update(text).digest('hex');
  const inputs = Object.keys(metafile?.inputs ?? {}).map((path) => join(folder, path));
  return { bundle: { text, hash, map, folder, exports: output?.exports ?? [] }, inputs };
}
