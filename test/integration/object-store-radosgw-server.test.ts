import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from './free-port.js';
import { findRadosgw, RADOSGW_SCRIPT, startRadosgw } from './radosgw-server.js';

vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!findRadosgw())('a radosgw of our own', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-radosgw-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('ends with its processes and its folder when it is closed', async () => {
    const server = await startRadosgw({ folder });
    expect((await fetch(server.endpoint)).status).toBe(200);
    expect(groupIsThere(server.pid)).toBe(true);
    await server.close();
    expect(groupIsThere(server.pid)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await server.close();
  });

  test('ends with its processes and its folder when who started it is killed', async () => {
    // Hands the pipe that it holds to nobody else, as a test process does.
    const starter = spawn(process.execPath, ['-e', STARTER, RADOSGW_SCRIPT, ...(await ports())], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const pid = Number(await untilUp(starter));
    expect(groupIsThere(pid)).toBe(true);
    starter.kill('SIGKILL');
    await expect.poll(() => groupIsThere(pid), { timeout: 30_000 }).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  test('leaves no process when it is killed itself', async () => {
    const script = spawn('bash', [RADOSGW_SCRIPT, ...(await ports())], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
      env: { ...process.env, TMPDIR: folder },
    });
    await untilUp(script);
    const pid = script.pid ?? 0;
    expect(groupIsThere(pid)).toBe(true);
    script.kill('SIGKILL');
    await expect.poll(() => groupIsThere(pid), { timeout: 30_000 }).toBe(false);
  });

  test('that cannot have its port says so, and leaves nothing', async () => {
    const taken = await startRadosgw({ folder });
    try {
      const { port } = new URL(taken.endpoint);
      const script = spawn('bash', [RADOSGW_SCRIPT, port, String(await freePort())], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        env: { ...process.env, TMPDIR: folder },
      });
      expect((await once(script, 'exit'))[0]).toBe(1);
      expect(groupIsThere(script.pid ?? 0)).toBe(false);
      expect(await readdir(folder)).toHaveLength(1);
    } finally {
      await taken.close();
    }
  });
});

const STARTER = `
  const [script, ...ports] = process.argv.slice(1);
  const options = { stdio: ['pipe', 'pipe', 'inherit'], detached: true };
  const child = require('node:child_process').spawn('bash', [script, ...ports], options);
  child.stdout.once('data', () => console.log(child.pid));
`;

async function ports(): Promise<string[]> {
  return [String(await freePort()), String(await freePort())];
}

/** The first line it says, which comes once the server answers. */
async function untilUp(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not read');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line;
}

/** Whether any process of the group lives. */
function groupIsThere(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}
