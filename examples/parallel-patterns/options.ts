import { parseArgs } from 'node:util';

export const HELP = `Usage: node --import tsx examples/parallel-patterns.ts [--executor threads|htex]

Runs the patterns of parallel workflows one by one, and shows what each gives.

  --executor E   threads: in this process (default); htex: on pilot processes
  --help         print this
`;

/** Reads the command line; `'help'` when it asks for help. @throws naming what does not exist or does not fit */
export function parsePatternOptions(args: readonly string[]): { readonly executor: 'threads' | 'htex' } | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: { executor: { type: 'string', default: 'threads' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) return 'help';
  const { executor } = values;
  if (executor === 'threads' || executor === 'htex') return { executor };
  throw new Error(`--executor is threads or htex, not ${JSON.stringify(executor)} (see --help)`);
}
