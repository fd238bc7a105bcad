import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createProcessTable, createPsTable } from '../../../src/run/process-table.js';
import { ProcessWatcher } from '../../../src/run/process-watcher.js';

const TABLES = { 'the default table': createProcessTable, 'the table from ps': createPsTable };

/** A group leader that starts a grandchild in a group of its own, with 100 MB in it. */
async function startFamily(): Promise<{ rootPid: number; grandchildPid: number }> {
  const grandchild = `const b = Buffer.alloc(1e8, 1); setInterval(() => b, 1000); console.log(process.pid)`;
  const root = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { detached: true, stdio: 'inherit' })`;
  const child = spawn(process.execPath, ['-e', root], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const grandchildPid = Number(line.toString());
  onTestFinished(() => {
    for (const pid of [child.pid ?? 0, grandchildPid]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended by the test.
      }
    }
  });
  return { rootPid: child.pid ?? 0, grandchildPid };
}

describe.each(Object.entries(TABLES))('%s', (_name, createTable) => {
  test('knows this process, its parent and its memory', async () => {
    const table = createTable();
    await table.refresh();
    expect(table.pids()).toContain(process.pid);
    expect(table.placeOf(process.pid)?.parentPid).toBe(process.ppid);
    const rss = process.memoryUsage.rss();
    expect(table.rssBytes(process.pid)).toBeGreaterThan(rss * 0.5);
    expect(table.rssBytes(process.pid)).toBeLessThan(rss * 2);
    expect(table.peakRssBytes(process.pid)).toBeGreaterThan(rss * 0.5);
    expect(table.placeOf(999_999_999)).toBeUndefined();
    expect(table.peakRssBytes(999_999_999)).toBe(0);
    expect(table.rssBytes(999_999_999)).toBe(0);
  });

  test('lets a watcher sum the memory of a family and kill it, also what has left its group', async () => {
    const { rootPid, grandchildPid } = await startFamily();
    const onRss = vi.fn<(rssBytes: number) => void>();
    const tree = new ProcessWatcher(createTable()).watch(rootPid, onRss);
    tree.resume();
    await vi.waitFor(() => expect(onRss.mock.lastCall?.[0]).toBeGreaterThan(1.5e8), 10_000);
    tree.kill();
    tree.release();
    await vi.waitFor(() => expect(() => process.kill(grandchildPid, 0)).toThrow(), 10_000);
  });
});
