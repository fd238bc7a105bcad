import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { LocalChannel } from '../../src/channels/local/local-channel.js';
import { channelSuite } from '../../src/conformance/channel/channel-suite.js';

channelSuite(vitest, 'local', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-channel-'));
  return {
    channel: new LocalChannel({ root }),
    runId: 'conformance',
    close: () => rm(root, { recursive: true, force: true }),
  };
});
