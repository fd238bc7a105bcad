import { execFileSync } from 'node:child_process';

/** Workers always run as built, also under test: build once before the first file. */
export default function buildFirst(): void {
  if (process.env.SLUICE_BUILT === '1') return;
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
