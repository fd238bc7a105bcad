import { fileURLToPath } from 'node:url';
import type { Group } from '../groups.js';
import { rushRate } from '../kernel-over.js';
import { measured } from '../row.js';
import { runScript } from '../run-script.js';

const TASKS = 100_000;
const WITHOUT_EVENTS = ['--import', fileURLToPath(new URL('../bare/without-events.mjs', import.meta.url))];

/** The kernel with an executor that answers at once, beside promises alone; then beside itself without its event log. */
export const measure: Group = async (runs, report) => {
  const withEvents = () => rate('instant', []);
  report(
    await measured(
      {
        name: 'kernel alone, beside promises',
        unit: '/s',
        targets: [{ of: 'sluice', is: 'at least', value: 100_000 }],
      },
      runs,
      withEvents,
      barePromises,
    ),
  );
  for (const [executor, name] of [
    ['instant', 'kernel alone'],
    ['threads', 'threads, no-ops at once'],
  ] as const) {
    report(
      await measured(
        {
          name: `${name}, beside itself without events`,
          unit: '/s',
          targets: [{ of: 'ratio', is: 'at least', value: 0.9 }],
        },
        runs,
        () => rate(executor, []),
        () => rate(executor, WITHOUT_EVENTS),
      ),
    );
  }
};

async function rate(executor: 'instant' | 'threads', execArgv: readonly string[]): Promise<number> {
  const [found = Number.NaN] = await runScript<number>('kernel-rush.ts', [`${TASKS}`, executor], undefined, execArgv);
  return found;
}

async function barePromises(): Promise<number> {
  const noop = async () => 0;
  await rushRate(TASKS, noop);
  return rushRate(TASKS, noop);
}
