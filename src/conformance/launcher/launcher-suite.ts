import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestApi } from '../test-api.js';
import { copies } from './copies.js';
import { exitCodes } from './exit-codes.js';
import type { Check, LauncherFixture } from './fixture.js';
import { termination } from './termination.js';

/**
 * Holds a {@link Launcher} to its contract, in what it declares: its text is run by `/bin/bash`, as jobs run it.
 * `create` is called once a test.
 */
export function launcherSuite(api: TestApi, name: string, create: () => Promise<LauncherFixture>): void {
  const check: Check = (title, body) =>
    api.test(title, async () => {
      const fixture = await create();
      const folder = await mkdtemp(join(tmpdir(), 'sluice-launcher-'));
      try {
        await body({ ...fixture, folder });
      } finally {
        await rm(folder, { recursive: true, force: true });
        await fixture.close?.();
      }
    });
  api.describe(`launcher conformance: ${name}`, () => {
    copies(check);
    exitCodes(check);
    termination(check);
  });
}
