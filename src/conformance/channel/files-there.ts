import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Check } from './fixture.js';
import { soon } from './outcomes.js';

const { signal } = new AbortController();

/** Files get there whole, with their mode, and their ends are read. */
export function filesThere(check: Check): void {
  check('the folder of a run is absolute, is there, and is the same each time', async ({ channel, runId, folder }) => {
    assert.ok(folder.startsWith('/'), folder);
    assert.ok(folder.includes(runId), folder);
    assert.equal(await channel.folder(runId), folder);
    assert.equal((await channel.run(['test', '-d', folder], soon())).exitCode, 0);
  });

  check('a file is written byte for byte, with the mode it is given', async ({ channel, folder }) => {
    for (const [mode, shown] of [
      [0o600, '-rw-------'],
      [0o700, '-rwx------'],
      [0o644, '-rw-r--r--'],
    ] as const) {
      const content = randomBytes(70_000);
      const path = `${folder}/file-${shown}`;
      await channel.writeFile(path, content, { mode, signal });
      const { stdout } = await channel.run(['od', '-An', '-v', '-tx1', path], soon());
      assert.equal(stdout.replaceAll(/\s/g, ''), content.toString('hex'));
      const listed = await channel.run(['ls', '-ld', path], soon());
      assert.equal(listed.stdout.slice(0, 10), shown);
    }
  });

  check('a file is replaced as a whole, its mode with it, and nothing else is left', async ({ channel, folder }) => {
    const path = `${folder}/it's a file`;
    await channel.writeFile(path, 'a long first text', { mode: 0o644, signal });
    await channel.writeFile(path, 'ünïcødé', { mode: 0o600, signal });
    assert.equal((await channel.run(['cat', path], soon())).stdout, 'ünïcødé');
    const { stdout } = await channel.run(['ls', '-lA', folder], soon());
    const lines = stdout.trimEnd().split('\n').slice(1);
    assert.equal(lines.length, 1, stdout);
    assert.match(lines[0] ?? '', /^-rw------- /);
  });

  check('a write that is no longer wanted rejects with the reason and leaves nothing', async ({ channel, folder }) => {
    const aborted = AbortSignal.abort(new Error('not wanted'));
    const write = channel.writeFile(`${folder}/file`, 'text', { mode: 0o600, signal: aborted });
    await assert.rejects(write, /not wanted/);
    assert.equal((await channel.run(['ls', '-A', folder], soon())).stdout, '');
  });

  check('a folder cannot be written as a file, and the error names it', async ({ channel, folder }) => {
    await channel.run(['mkdir', `${folder}/taken`], soon());
    await channel.run(['touch', `${folder}/taken/inside`], soon());
    await assert.rejects(channel.writeFile(`${folder}/taken`, 'text', { mode: 0o600, signal }), /taken/);
  });

  check('the end of a file is its last bytes, from a whole character on', async ({ channel, folder }) => {
    const path = `${folder}/log`;
    await channel.writeFile(path, `${'x'.repeat(10_000)}äöü`, { mode: 0o600, signal });
    const tail = (bytes: number) => channel.readTail(path, { bytes, signal });
    assert.equal(await tail(6), 'äöü');
    assert.equal(await tail(5), 'öü');
    assert.equal((await tail(100_000)).length, 10_003);
  });

  check('the end of a file that is not there is empty', async ({ channel, folder }) => {
    assert.equal(await channel.readTail(`${folder}/missing`, { bytes: 100, signal }), '');
    await channel.writeFile(`${folder}/empty`, '', { mode: 0o600, signal });
    assert.equal(await channel.readTail(`${folder}/empty`, { bytes: 100, signal }), '');
  });
}
