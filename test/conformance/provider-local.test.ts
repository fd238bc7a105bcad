import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { providerSuite } from '../../src/conformance/provider/provider-suite.js';
import { LocalProvider } from '../../src/providers/local/local-provider.js';

providerSuite(vitest, 'local', async () => {
  const runDir = await mkdtemp(join(tmpdir(), 'sluice-provider-'));
  const folder = join(runDir, 'marks');
  await mkdir(folder);
  return {
    provider: new LocalProvider({ maxBlocks: 20, graceMs: 1_000 }),
    context: { runId: 'conformance', runDir, label: 'local' },
    folder,
    noticeMs: 15_000,
    tellsOutput: true,
    createShort: async () => new LocalProvider({ walltimeMs: 1_000, graceMs: 500 }),
    close: () => rm(runDir, { recursive: true, force: true }),
  };
});
