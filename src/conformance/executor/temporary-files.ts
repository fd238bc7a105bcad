import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Io } from '../../apps/io.js';
import { DataFile } from '../../data/data-file.js';
import { InputLostError } from '../../errors.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { callOf } from './calls.js';
import type { Check, ExecutorFixture } from './fixture.js';
import { failure, resultOf, run } from './outcomes.js';

type Places = Readonly<Record<string, string>>;

/** `temp:` files stay where the executor says that it keeps them, or where the kernel says, and are found lost there. */
export function temporaryFiles(check: Check): void {
  check('a temp: output is kept, and a task that is told where reads it', async (fixture) => {
    const url = `temp:${randomUUID()}/made here.txt`;
    const places = await make(
      fixture,
      callOf((io: Io) => io.sh`printf %s ${'kept'} > ${io.outputs[0]}`, [], {
        kind: 'bash',
        outputs: [url],
      }),
    );
    assert.equal(resultOf(await run(fixture.executor, reading(url, places))), 'kept');
  });
  check('a temp: folder is kept the same way', async (fixture) => {
    const url = `temp:${randomUUID()}/`;
    const places = await make(
      fixture,
      callOf((io: Io) => io.sh`mkdir ${io.outputs[0]}/below && echo x > ${io.outputs[0]}/below/x`, [], {
        kind: 'bash',
        outputs: [url],
      }),
    );
    const call = callOf((folder: { path: string }, _: Io) => `test -f ${folder.path}/below/x`, [new DataFile(url)], {
      kind: 'bash',
    });
    assert.equal(resultOf(await run(fixture.executor, { ...call, relayed: places })), 0);
  });
  check('two attempts of a task keep what they made apart', async (fixture) => {
    const url = `temp:${randomUUID()}`;
    const call = callOf((io: Io) => io.sh`printf %s ${String(io.attempt)} > ${io.outputs[0]}`, [], {
      kind: 'bash',
      outputs: [url],
    });
    const places = [await make(fixture, call), await make(fixture, { ...call, attempt: 2 })];
    const found = await Promise.all(places.map((one) => run(fixture.executor, reading(url, one))));
    assert.deepEqual(found.map(resultOf), ['1', '2']);
  });
  check('temp: inputs that are gone are INPUT_LOST, class infrastructure, all of them named', async (fixture) => {
    const [kept, lost, folder] = [`temp:${randomUUID()}`, `temp:${randomUUID()}`, `temp:${randomUUID()}/`];
    const made = await make(
      fixture,
      callOf((io: Io) => io.sh`echo 1 > ${io.outputs[0]}`, [], {
        kind: 'bash',
        outputs: [kept],
      }),
    );
    const gone = {
      [lost]: besideOf(made[kept] as string, '-gone'),
      [folder]: besideOf(made[kept] as string, '-gone/'),
    };
    const call = callOf(
      (...files: unknown[]) => files.length,
      [kept, lost, folder].map((url) => new DataFile(url)),
    );
    const error = await failure(fixture.executor, { ...call, relayed: { ...made, ...gone } });
    assert.ok(error instanceof InputLostError, `expected an InputLostError, got ${String(error)}`);
    assert.equal(error.class, 'infrastructure');
    assert.deepEqual([...error.urls].sort(), [lost, folder].sort());
  });
}

function reading(url: string, relayed: Places): TaskEnvelope {
  const read = async (text: { path: string }) => (await import('node:fs/promises')).readFile(text.path, 'utf8');
  return { ...callOf(read, [new DataFile(url)]), relayed };
}

/** A URL like that of a file that is kept, whose file there is not. */
function besideOf(home: string, ending: string): string {
  const [, place = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(home) ?? [];
  return place + ending + rest;
}

/** Runs a task that makes `temp:` files, and resolves with where they are kept, as a kernel finds it out. */
async function make({ executor, run: { runDir } }: ExecutorFixture, call: TaskEnvelope): Promise<Places> {
  const { sharesFilesystem, keepsTemporary = false } = executor.capabilities;
  const places = sharesFilesystem && !keepsTemporary ? homesBelow(runDir, call) : {};
  const outcome = await run(executor, sharesFilesystem && !keepsTemporary ? { ...call, relayed: places } : call);
  resultOf(outcome);
  const kept = outcome.kind === 'value' ? { ...places, ...outcome.kept } : places;
  for (const url of call.outputs) assert.ok(kept[url] !== undefined, `nobody says where ${url} is kept`);
  return kept;
}

function homesBelow(runDir: string, { taskId, attempt, outputs }: TaskEnvelope): Places {
  const folder = join(runDir, 'temp', `${taskId}-${attempt}`);
  const homes = outputs.map((url, index) => {
    const home = pathToFileURL(join(folder, String(index), 'kept')).href;
    return [url, url.endsWith('/') ? `${home}/` : home];
  });
  return Object.fromEntries(homes);
}
