import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

/** Gives CommonJS modules `__filename` and `__dirname`: those of the bundle. */
export function commonJsNames(): Plugin {
  return {
    name: 'sluice-commonjs-names',
    setup(build) {
      build.initialOptions.inject = ['sluice-commonjs-names'];
      build.onResolve({ filter: /^sluice-commonjs-names$/ }, ({ path }) => ({ path, namespace: 'sluice' }));
      build.onLoad({ filter: /./, namespace: 'sluice' }, () => ({ contents: COMMONJS_NAMES }));
    },
  };
}

// Spelt so that what ownUrls puts in place of `import.meta.url` does not come here.
const COMMONJS_NAMES = `import { fileURLToPath } from 'node:url';
const { url } = import.meta;
export const __filename = /* @__PURE__ */ fileURLToPath(url);
export const __dirname = /* @__PURE__ */ fileURLToPath(new URL('.', url));`;

/** Resolves imports of `file:` URLs. */
export function fileUrls(): Plugin {
  return {
    name: 'sluice-file-urls',
    setup(build) {
      build.onResolve({ filter: /^file:/ }, ({ path }) => ({ path: fileURLToPath(path) }));
    },
  };
}

/** Leaves packages where they are installed, and imports them from there by their URLs. */
export function installedPackages(): Plugin {
  return {
    name: 'sluice-installed-packages',
    setup(build) {
      // Neither relative, nor absolute, nor an import of the package itself (`#name`), nor what has been asked before.
      build.onResolve({ filter: /^[^./#]/ }, async (args) => {
        if (args.pluginData === ASKED || args.kind === 'entry-point' || args.path.includes(':')) return undefined;
        const { path, errors, external } = await build.resolve(args.path, {
          resolveDir: args.resolveDir,
          importer: args.importer,
          kind: args.kind,
          pluginData: ASKED,
        });
        if (errors.length > 0 || external || !/[\\/]node_modules[\\/]/.test(path)) return undefined;
        return { path: args.kind === 'require-call' ? path : pathToFileURL(path).href, external: true };
      });
    },
  };
}

const ASKED = Symbol('asked');

/** Gives every module what it is told of its own file again: by `import.meta`, or by CommonJS. */
export function ownUrls(): Plugin {
  return {
    name: 'sluice-own-urls',
    setup(build) {
      build.initialOptions.define = {
        'import.meta.url': '__sluice_url',
        'import.meta.filename': '__sluice_filename',
        'import.meta.dirname': '__sluice_dirname',
      };
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const [filename, folder] = [JSON.stringify(path), JSON.stringify(dirname(path))];
        if (/\bimport\s*\.\s*meta\b/.test(text)) {
          const url = JSON.stringify(pathToFileURL(path).href);
          const head = `const __sluice_url = ${url}, __sluice_filename = ${filename}, __sluice_dirname = ${folder};`;
          return { contents: withHead(text, head), loader: 'default' };
        }
        const isCommonJs = !/^\s*(?:import|export)\b/m.test(text);
        if (!isCommonJs || !/\b__(?:filename|dirname)\b/.test(text)) return undefined;
        return { contents: withHead(text, `var __filename = ${filename}, __dirname = ${folder};`), loader: 'default' };
      });
    },
  };
}

// On the first line, so that lines in stacks stay what they are.
function withHead(text: string, head: string): string {
  if (!text.startsWith('#!')) return `${head} ${text}`;
  const end = text.indexOf('\n');
  return end < 0 ? head : `${text.slice(0, end + 1)}${head} ${text.slice(end + 1)}`;
}
