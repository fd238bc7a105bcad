import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { zippedWorkerBundle } from '../../../../src/executors/lambda/worker-bundle.js';

const MODULE = new URL('../../../../dist/executors/lambda/worker-bundle.js', import.meta.url).href;
const SCRIPT = `
const { zippedWorkerBundle } = await import('${MODULE}');
const { createHash } = await import('node:crypto');
console.log(createHash('sha256').update(await zippedWorkerBundle()).digest('hex'));`;

async function hashIn(timeZone: string): Promise<string> {
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', SCRIPT], { env: { TZ: timeZone } });
  return stdout;
}

describe('zippedWorkerBundle', () => {
  test('is the same bytes every time', async () => {
    const [first, second] = [await zippedWorkerBundle(), await zippedWorkerBundle()];
    expect(first.byteLength).toBeGreaterThan(50_000);
    expect(Buffer.from(first).equals(second)).toBe(true);
  });

  test('is the same bytes in every time zone', async () => {
    const hashes = await Promise.all(['UTC', 'Asia/Tokyo', 'America/Los_Angeles'].map(hashIn));
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(hashes).size).toBe(1);
  });
});
