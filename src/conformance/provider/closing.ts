import assert from 'node:assert/strict';
import type { Check } from './fixture.js';
import { growsNoMore, jobOf, lineIn, never, ticking } from './jobs.js';

/** A closed provider leaves nothing. */
export function closing(check: Check): void {
  check('closing ends every job, and may be done twice', async (fixture) => {
    const { provider, folder } = fixture;
    const names = ['one', 'two', 'three'];
    await Promise.all(names.map((name) => provider.submit(jobOf(`block-${name}`, ticking(folder, name)), never)));
    for (const name of names.slice(0, fixture.capacity ?? names.length)) await lineIn(fixture, name);
    await provider.close();
    await provider.close();
    for (const name of names) await growsNoMore(fixture, name);
  });

  check('a job that is being submitted at the close does not run on', async (fixture) => {
    const { provider, folder } = fixture;
    const submitted = provider.submit(jobOf('block-0', ticking(folder, 'ticks')), never);
    await Promise.allSettled([submitted, provider.close()]);
    await growsNoMore(fixture, 'ticks');
  });

  check('a job that comes after the close is rejected', async ({ provider }) => {
    await provider.close();
    await assert.rejects(provider.submit(jobOf('block-0', 'true'), never), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SUBMIT_REJECTED', error.message);
      assert.match(error.message, /block-0/);
      return true;
    });
  });
}
