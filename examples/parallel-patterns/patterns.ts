import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, bash, type DataFile, type Io, map } from 'sluice';

// A call of an app is a task, and gives a future at once. A future given to another call makes that one wait for it;
// everything else runs side by side. Apps ship as source: they use their parameters, and what they import themselves.

/** Bag of tasks: calls that need nothing of each other. */
export async function bagOfTasks(): Promise<readonly number[]> {
  const double = app((index: number) => index * 2, { name: 'double' });

  const results = Array.from({ length: 10 }, (_, index) => double(index));
  return Promise.all(results);
}

/** Sequential: what one task makes, the next one takes, be it a value or a file. Gives what the file holds. */
export async function sequential(output: string): Promise<string> {
  const generate = app((limit: number) => Math.ceil(Math.random() * limit), { name: 'generate' });
  const save = bash((message: number, io: Io) => io.sh`echo ${message} > ${io.outputs[0]}`, { name: 'save' });

  const message = generate(10);
  const saved = save(message, { outputs: [output] });
  return readFile((await saved.outputs[0]).path, 'utf8');
}

/** Parallel: one app over many items, three at a time, so that there may be more items than fit in memory. */
export async function parallel(): Promise<readonly number[]> {
  const square = app((x: number) => x * x, { name: 'square' });

  const squares: number[] = [];
  for await (const result of map(square, [1, 2, 3, 4, 5, 6, 7, 8], { concurrency: 3 })) squares.push(result);
  return squares;
}

/** Parallel dataflow: many tasks write files, one joins them, one adds them up. Nobody waits in between. */
export async function parallelDataflow(folder: string): Promise<{ numbers: readonly number[]; total: number }> {
  const generate = bash((io) => io.sh`echo $((RANDOM % 100 + 1)) > ${io.outputs[0]}`, { name: 'generate-file' });
  const concat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'concat' });
  const read = app(
    async (file: DataFile) => {
      const { readFile } = await import('node:fs/promises');
      return (await readFile(file.path, 'utf8')).trim().split('\n').map(Number);
    },
    { name: 'read' },
  );
  const sum = app((numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0), { name: 'sum' });

  const files = [0, 1, 2, 3].map((index) => generate({ outputs: [join(folder, `random-${index}.txt`)] }).outputs[0]);
  const all = concat({ inputs: files, outputs: [join(folder, 'all-numbers.txt')] });
  const numbers = read(all.outputs[0]);
  const total = sum(numbers);
  return { numbers: await numbers, total: await total };
}

/** Files between commands: three say hello, each to a file of its own, and a bash app makes one of them. */
export async function helloFiles(folder: string): Promise<string> {
  const hello = bash((who: string, io: Io) => io.sh`echo Hello ${who} > ${io.outputs[0]}`, { name: 'hello' });
  const concat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'concat' });

  const hellos = ['World', 'Clouds', 'Clusters'].map(
    (who, index) => hello(who, { outputs: [join(folder, `hello-${index}.txt`)] }).outputs[0],
  );
  const all = concat({ inputs: hellos, outputs: [join(folder, 'all-hellos.txt')] });
  return readFile((await all.outputs[0]).path, 'utf8');
}

/**
 * Two and one:
 *
 *     doubledX   doubledY     one wait
 *          \     /
 *          doubledZ           and another
 *
 * Three tasks that take `waitMs` each are done after two of these.
 */
export async function doubledXAndY(waitMs: number): Promise<{ doubled: number; tookMs: number }> {
  const waitAndDouble = app(
    async (x: number, ms: number, _after: readonly unknown[]) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return x * 2;
    },
    { name: 'wait-and-double' },
  );

  const startedAtMs = performance.now();
  const doubledX = waitAndDouble(10, waitMs, []);
  const doubledY = waitAndDouble(10, waitMs, []);
  const doubledZ = waitAndDouble(10, waitMs, [doubledX, doubledY]);
  return { doubled: await doubledZ, tookMs: performance.now() - startedAtMs };
}
