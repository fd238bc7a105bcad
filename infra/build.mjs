// Builds `dist/`: the package itself with tsc, then the one-file bundle that `sluice deploy lambda` uploads.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

if (process.argv.includes('--clean')) rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

if (existsSync('dist/worker/lambda-handler.js')) {
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
    // CommonJS parts call require() for Node's own modules, and ask where they are.
    banner: {
      js: [
        "import { createRequire as sluiceRequire } from 'node:module';",
        "import { dirname as sluiceDirname } from 'node:path';",
        "import { fileURLToPath as sluicePath } from 'node:url';",
        'const require = sluiceRequire(import.meta.url);',
        'const __filename = sluicePath(import.meta.url);',
        'const __dirname = sluiceDirname(__filename);',
      ].join(' '),
    },
    logLevel: 'warning',
  });
}
