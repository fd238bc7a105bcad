import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Workers always run as built, also under test: build once before the first file. They share a cache of this run's own. */
export default function buildFirst(): () => void {
  const cache = mkdtempSync(join(tmpdir(), 'sluice-test-cache-'));
  process.env.SLUICE_CACHE_DIR = cache;
  if (process.env.SLUICE_BUILT !== '1') execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  return () => rmSync(cache, { recursive: true, force: true });
}
