import { describe, expect, test } from 'vitest';
import { LATE_STAGINGS } from '../../../src/worker/late-stagings.js';

describe.each(LATE_STAGINGS)('$declared.name', ({ declared, open }) => {
  test('says of itself before it is loaded what it is afterwards', async () => {
    const staging = await open();
    const { name, schemes, capabilities } = staging;
    expect({ name, schemes, capabilities }).toEqual(declared);
    // Its methods are those that are passed on.
    expect(staging.list !== undefined).toBe(capabilities.list);
    expect(staging.remove !== undefined).toBe(capabilities.remove);
    expect(staging.identities).toBeUndefined();
    await staging.close();
  });
});
