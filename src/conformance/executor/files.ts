import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Io } from '../../apps/io.js';
import { DataFile } from '../../data/data-file.js';
import { errorClassOf, type SluiceError } from '../../errors.js';
import { callOf, SlotMarker } from './calls.js';
import type { Check } from './fixture.js';
import { errorOf, failure, resultOf, run } from './outcomes.js';

/** Files are staged in and out, and each attempt has a folder of its own. */
export function files(check: Check): void {
  check('an input is readable at its path, and two of one base name do not collide', async (fixture) => {
    const [first, second] = [`${fixture.filesAt}/${randomUUID()}/x.txt`, `${fixture.filesAt}/${randomUUID()}/x.txt`];
    await fixture.writeText(first, 'one');
    await fixture.writeText(second, 'two');
    const call = callOf(
      async (a: { path: string }, b: { path: string }) => {
        const { readFile } = await import('node:fs/promises');
        return [await readFile(a.path, 'utf8'), await readFile(b.path, 'utf8')];
      },
      [new DataFile(first), new DataFile(second)],
    );
    assert.deepEqual(resultOf(await run(fixture.executor, call)), ['one', 'two']);
  });
  check('an output appears where it belongs once the outcome is there', async (fixture) => {
    const output = `${fixture.filesAt}/${randomUUID()}/made here.txt`;
    const call = callOf((io: Io) => io.sh`printf %s ${"it's"} > ${io.outputs[0]}`, [], {
      kind: 'bash',
      outputs: [output],
    });
    assert.equal(resultOf(await run(fixture.executor, call)), 0);
    assert.equal(await fixture.readText(output), "it's");
  });
  check('a folder comes with all that is below it, and goes out the same way', async (fixture) => {
    const [source, target] = [`${fixture.filesAt}/${randomUUID()}/`, `${fixture.filesAt}/${randomUUID()}/`];
    await fixture.writeText(`${source}a.txt`, 'A');
    await fixture.writeText(`${source}below/b.txt`, 'B');
    const call = callOf(
      (folder: { path: string }, io: Io) =>
        io.sh`cd ${folder} && find . -type f | sort && cp -r . ${io.outputs[0]} && echo C > ${io.outputs[0]}/c.txt`,
      [new DataFile(source)],
      { kind: 'bash', outputs: [target] },
    );
    assert.equal(resultOf(await run(fixture.executor, call)), 0);
    const texts = await Promise.all(['a.txt', 'below/b.txt', 'c.txt'].map((name) => fixture.readText(target + name)));
    assert.deepEqual(texts, ['A', 'B', 'C\n']);
  });
  check('an output that was not written is MISSING_OUTPUT', async (fixture) => {
    const output = `${fixture.filesAt}/${randomUUID()}.txt`;
    const error = errorOf(
      await run(
        fixture.executor,
        callOf((_: Io) => 'true', [], { kind: 'bash', outputs: [output] }),
      ),
    ) as SluiceError;
    assert.equal(error.code, 'MISSING_OUTPUT');
    assert.equal(await fixture.readText(output), undefined);
  });
  check('an input that does not exist is NOT_FOUND, class usage', async (fixture) => {
    const call = callOf((x: unknown) => x, [new DataFile(`${fixture.filesAt}/${randomUUID()}`)]);
    const error = await failure(fixture.executor, call);
    assert.equal((error as SluiceError).code, 'NOT_FOUND');
    assert.equal(errorClassOf(error), 'usage');
  });
  check('a command reads the value it is given, and gives what it writes', async (fixture) => {
    const sorted = (stdin: unknown, slots: readonly unknown[] = []) =>
      callOf((_: Io) => 'sort', [], { kind: 'bash', stdin, slots, returns: 'text' });
    assert.equal(resultOf(await run(fixture.executor, sorted('b\na\n'))), 'a\nb');
    assert.equal(resultOf(await run(fixture.executor, sorted(new SlotMarker(0), ['d\nc\n']))), 'c\nd');
    const source = `${fixture.filesAt}/${randomUUID()}.txt`;
    await fixture.writeText(source, 'f\ne\n');
    assert.equal(resultOf(await run(fixture.executor, sorted(new DataFile(source)))), 'e\nf');
  });
  check('a failed command is a BashExitError with its exit code and the end of its stderr', async ({ executor }) => {
    const error = errorOf(
      await run(
        executor,
        callOf((_: Io) => 'echo first; echo bad luck >&2; exit 15', [], { kind: 'bash' }),
      ),
    );
    assert.equal((error as { exitCode: number }).exitCode, 15);
    assert.match((error as { stderrTail: string }).stderrTail, /bad luck/);
  });
  check('each attempt has a scratch folder of its own', async ({ executor }) => {
    const call = () =>
      callOf((io: Io) => io.sh`test -z "$(ls -A)" && touch mine && test ${io.scratch} = "$PWD"`, [], { kind: 'bash' });
    const outcomes = await Promise.all([run(executor, call()), run(executor, call())]);
    assert.deepEqual(outcomes.map(resultOf), [0, 0]);
  });
}
