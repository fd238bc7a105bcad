import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/errors.js';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the quick start is at most twenty lines and works when pasted', async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  // Beside the project's own files, as a newcomer would have it.
  const folder = await mkdtemp(join(root, 'quick-start-'));
  try {
    await Promise.all(['README.md', 'LICENSE'].map((name) => copyFile(join(root, name), join(folder, name))));
    await writeFile(join(folder, 'quick.ts'), code);
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'quick.ts'], { cwd: folder });
    const words = (name: string) => readFileSync(join(root, name), 'utf8').split(/\s+/).length;
    expect(stdout).toContain(`one by one: ${words('README.md') + words('LICENSE')}\n`);
    expect(stdout).toMatch(/together: \d+\n/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the two commands stand there verbatim', () => {
  expect(readme).toContain('\nnpm ci && npm start\n');
  expect(readme).toContain('\nnpm cit\n');
});

test('the table of error codes is that of the code', () => {
  for (const [code, { class: errorClass, meaning }] of Object.entries(ERROR_CODES)) {
    expect(readme).toContain(`| \`${code}\` | ${errorClass} | ${meaning} |`);
  }
});

test("every file the README names exists, and a task's way is ten of them", () => {
  const files = [...readme.matchAll(/\]\((src\/[^)]+)\)/g)].map((match) => match[1] ?? '');
  expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(files).toHaveLength(10);
});
