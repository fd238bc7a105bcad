import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Launch } from '../../launchers/launcher.js';
import type { Check } from './fixture.js';
import { runText } from './run-text.js';

const SHAPES: readonly Omit<Launch, 'command'>[] = [
  { nodesPerBlock: 1, tasksPerNode: 1 },
  { nodesPerBlock: 2, tasksPerNode: 1 },
  { nodesPerBlock: 1, tasksPerNode: 3 },
  { nodesPerBlock: 2, tasksPerNode: 2 },
];
// What could end a quotation or a line too early, or be expanded once too often.
const HARD_COMMANDS: Readonly<Record<string, { readonly command: string; readonly writes: string }>> = {
  quotes: { command: `printf '%s' "it's \\"quoted\\"" > "hard-$BASHPID"`, writes: `it's "quoted"` },
  variables: { command: `word='$HOME \`id\`'; printf '%s' "$word" > "hard-$BASHPID"`, writes: '$HOME `id`' },
  lines: { command: `true\nif true; then\n  printf 'two\\nlines' > "hard-$BASHPID"\nfi`, writes: 'two\nlines' },
  document: { command: `cat > "hard-$BASHPID" <<'END'\n$1 'text'\nEND`, writes: "$1 'text'\n" },
  comment: { command: `printf x > "hard-$BASHPID" # as it's written`, writes: 'x' },
  pipe: { command: `printf 'b\\na\\n' | sort > "hard-$BASHPID" && true; true &`, writes: 'a\nb\n' },
};

/** So many copies of the command run as are promised, and each is the command. */
export function copies(check: Check): void {
  for (const shape of SHAPES) {
    const { nodesPerBlock, tasksPerNode } = shape;
    check(`${tasksPerNode} on each of ${nodesPerBlock} nodes: as many copies as promised, no more`, async (stage) => {
      const launch = { ...shape, command: 'touch "ran-$BASHPID"' };
      const { exitCode, output } = await runText(stage, launch);
      assert.equal(exitCode, 0, output);
      assert.equal((await readdir(stage.folder)).length, stage.copies(launch));
    });

    check(`${tasksPerNode} on each of ${nodesPerBlock} nodes: the text is whole`, async ({ launcher }) => {
      const text = launcher.wrap({ ...shape, command: 'true' });
      await promisify(execFile)('/bin/bash', ['-n', '-c', text]);
    });
  }

  for (const [what, { command, writes }] of Object.entries(HARD_COMMANDS)) {
    check(`a command with ${what} runs as it stands`, async (stage) => {
      const launch = { command, nodesPerBlock: 2, tasksPerNode: 1 };
      const { exitCode, output } = await runText(stage, launch);
      assert.equal(exitCode, 0, output);
      const names = await readdir(stage.folder);
      const texts = await Promise.all(names.map((name) => readFile(join(stage.folder, name), 'utf8')));
      assert.deepEqual(
        texts,
        names.map(() => writes),
      );
      assert.equal(names.length, stage.copies(launch));
    });
  }

  check('what the script before it has set reaches every copy', async (stage) => {
    const launch = {
      command: 'test "$SET_BEFORE" = "so it is" && touch "ran-$BASHPID"',
      nodesPerBlock: 2,
      tasksPerNode: 1,
    };
    const { launcher } = stage;
    const before = {
      ...launcher,
      name: launcher.name,
      wrap: (of: Launch) => `export SET_BEFORE='so it is'\nset -e\n${launcher.wrap(of)}`,
    };
    const { exitCode, output } = await runText({ ...stage, launcher: before }, launch);
    assert.equal(exitCode, 0, output);
    assert.equal((await readdir(stage.folder)).length, stage.copies(launch));
  });
}
