import type { TestApi } from '../test-api.js';
import { commands } from './commands.js';
import { endings } from './endings.js';
import { filesThere } from './files-there.js';
import type { ChannelFixture, Check } from './fixture.js';

/**
 * Holds a {@link Channel} to its contract, by commands that any POSIX system has. `create` is called once a test; the
 * channel and its fixture are closed whatever happens.
 */
export function channelSuite(api: TestApi, name: string, create: () => Promise<ChannelFixture>): void {
  const check: Check = (title, body) =>
    api.test(title, async () => {
      const fixture = await create();
      const { channel } = fixture;
      try {
        const folder = await channel.folder(fixture.runId);
        await body({ ...fixture, folder });
      } finally {
        await channel.close();
        await fixture.close();
      }
    });
  api.describe(`channel conformance: ${name}`, () => {
    commands(check);
    endings(check);
    filesThere(check);
  });
}
