// Packs the package, installs the tarball into an empty project, and runs a task from there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] }).toString();

const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
try {
  process.stdout.write(run('npx', ['--no', '--', 'publint', '--strict']));
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder]).replace(/^[^[]*/, ''));
  console.log(`${packed.filename}: ${packed.entryCount} files, ${(packed.size / 1024).toFixed(0)} KiB packed`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', `./${packed.filename}`], folder);
  writeFileSync(
    join(folder, 'main.js'),
    `import { app, load } from 'sluice';
     import { LambdaExecutor } from 'sluice/aws';
     import { createGcsStore } from 'sluice/gcp';
     import { LocalProvider } from 'sluice/hpc';
     if (typeof LambdaExecutor !== 'function') throw new Error('no LambdaExecutor');
     if (createGcsStore({ bucket: 'b' }).url !== 'gs://b') throw new Error('no createGcsStore');
     if (typeof LocalProvider !== 'function') throw new Error('no LocalProvider');
     const flow = await load();
     const add = app((a, b) => a + b, { name: 'add' });
     console.log('sum', await add(add(1, 2), 3));
     await flow.close();`,
  );
  const said = run(process.execPath, ['main.js'], folder);
  if (said !== 'sum 6\n') throw new Error(`the installed package said ${JSON.stringify(said)}`);
  const version = run(join(folder, 'node_modules/.bin/sluice'), ['--version'], folder).trim();
  console.log(`installed, ran a task, and sluice --version says ${version}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
