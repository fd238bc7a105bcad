import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Group } from '../groups.js';
import { measured } from '../row.js';

/** The built package imported in a fresh process, beside a module with nothing in it. */
export const measure: Group = async (runs, report) => {
  report(
    await measured(
      {
        name: "import 'sluice', beside an empty module",
        unit: ' ms',
        targets: [{ of: 'sluice', is: 'at most', value: 150 }],
      },
      runs,
      () => importMs('sluice'),
      () => importMs('data:text/javascript,'),
    ),
  );
};

async function importMs(name: string): Promise<number> {
  const script = `const startedMs = performance.now();
    await import(${JSON.stringify(name)});
    console.log(performance.now() - startedMs);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
}
