import { expect, test } from 'vitest';
import { resolveAddress } from '../../../src/transport/resolve-address.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';

test('numbers stay as they are, of both kinds', async () => {
  expect(await resolveAddress('tcp://10.0.0.1:55')).toEqual({ endpoint: 'tcp://10.0.0.1:55', isIpv6: false });
  expect(await resolveAddress('tcp://[::1]:55')).toEqual({ endpoint: 'tcp://[::1]:55', isIpv6: true });
});

test('names become numbers', async () => {
  const { endpoint } = await resolveAddress('tcp://localhost:55');
  expect(endpoint).toMatch(/^tcp:\/\/(127\.0\.0\.1|\[::1\]):55$/);
});

test.each(['10.0.0.1:55', 'tcp://host', 'tcp://a:b:c', 'ipc://x'])('%s is refused', async (address) => {
  expect(await failureOf(resolveAddress(address))).toMatchObject({ code: 'INVALID_OPTIONS' });
});
