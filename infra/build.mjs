// Builds `dist/`: the package itself with tsc, then what is one file, or a few, for the sake of its start: the command, and
// the worker that `sluice deploy lambda` uploads.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

// CommonJS parts call require() for Node's own modules, and ask where they are.
const FOR_COMMON_JS = [
  "import { createRequire as sluiceRequire } from 'node:module';",
  "import { dirname as sluiceDirname } from 'node:path';",
  "import { fileURLToPath as sluicePath } from 'node:url';",
  'const require = sluiceRequire(import.meta.url);',
  'const __filename = sluicePath(import.meta.url);',
  'const __dirname = sluiceDirname(__filename);',
].join(' ');

if (process.argv.includes('--clean')) rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
await bundleCommand();
await bundleLambdaWorker();

/** The command, in a file for what all of it needs and one for each thing that it may load: of single ones it loads 250. */
async function bundleCommand() {
  rmSync('dist/bin', { recursive: true, force: true });
  await build({
    entryPoints: { sluice: 'dist/cli/main.js' },
    outdir: 'dist/bin',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    plugins: [packagesBut(['cli-progress', 'commander', 'picomatch', 'undici', 'zod'])],
    banner: { js: FOR_COMMON_JS },
    logLevel: 'warning',
  });
  chmodSync('dist/bin/sluice.js', 0o755);
}

async function bundleLambdaWorker() {
  await build({
    entryPoints: ['dist/worker/lambda-handler.js'],
    outfile: 'dist/lambda-bundle/index.mjs',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    keepNames: true,
    // ssh2 does without its native parts where they cannot be loaded.
    external: ['cpu-features', '*.node'],
    banner: { js: FOR_COMMON_JS },
    logLevel: 'warning',
  });
}

/** Leaves packages where they are installed, but for those named. */
function packagesBut(names) {
  const isInside = new RegExp(`^(${names.join('|')})(/|$)`);
  return {
    name: 'packages-but',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        const isOurs = kind !== 'entry-point' && !importer.includes('node_modules');
        return isOurs && !isInside.test(path) ? { path, external: true } : undefined;
      });
    },
  };
}
