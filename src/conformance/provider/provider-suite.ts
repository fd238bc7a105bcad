import type { TestApi } from '../test-api.js';
import { cancelling } from './cancelling.js';
import { closing } from './closing.js';
import { ends } from './ends.js';
import type { Check, ProviderFixture } from './fixture.js';
import { submitting } from './submitting.js';

/**
 * Holds an {@link ExecutionProvider} to its contract. `create` is called once a test; the provider is started before it,
 * and closed after it whatever happens. Jobs are shell text that any POSIX system runs.
 */
export function providerSuite(api: TestApi, name: string, create: () => Promise<ProviderFixture>): void {
  const check: Check = (title, body) =>
    api.test(title, async () => {
      const fixture = await create();
      try {
        await fixture.provider.start(fixture.context);
        await body(fixture);
      } finally {
        await fixture.provider.close();
        await fixture.close();
      }
    });
  api.describe(`provider conformance: ${name}`, () => {
    submitting(check);
    ends(check);
    cancelling(check);
    closing(check);
  });
}
