import type { TestApi } from '../test-api.js';
import { bookkeeping } from './bookkeeping.js';
import { files } from './files.js';
import type { Check, ExecutorFixture } from './fixture.js';
import { stopping } from './stopping.js';
import { temporaryFiles } from './temporary-files.js';
import { valuesAndErrors } from './values-and-errors.js';

/**
 * Holds an {@link Executor} to its contract, in every answer it declares. `create` is called once for the whole suite;
 * the executor is started before and closed after it.
 */
export function executorSuite(api: TestApi, name: string, create: () => Promise<ExecutorFixture>): void {
  api.describe(`executor conformance: ${name}`, () => {
    let fixture: ExecutorFixture;
    api.beforeAll(async () => {
      fixture = await create();
      await fixture.executor.start(fixture.run);
    });
    api.afterAll(async () => {
      await fixture.executor.close({ graceMs: 1_000 });
      await fixture.close();
    });
    const check: Check = (title, body) => api.test(title, () => body(fixture));
    valuesAndErrors(check);
    files(check);
    temporaryFiles(check);
    stopping(check);
    bookkeeping(check);
  });
}
