// `npm run bench -- [groups] [--quick] [--runs N] [--json path]`: the performance table of README.md. Each figure
// stands beside the bare reference it is built on, run in turn with it; medians of five runs. Each group has a process
// of its own, so that no figure pays for what another left behind.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { GROUP_NAMES } from './groups.js';
import type { Row } from './row.js';
import { runScript } from './run-script.js';
import { TABLE_HEAD, tableLine } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, quick: { type: 'boolean' }, runs: { type: 'string' } },
});
const runs = values.quick === true ? 1 : Number(values.runs ?? 5);
const unknown = positionals.filter((name) => !GROUP_NAMES.includes(name));
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(`bench: no ${unknown.join(', ') || `${values.runs} runs`}; groups: ${GROUP_NAMES.join(' ')}`);
  process.exit(2);
}

const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
console.log(`${machine}; medians of ${runs}\n\n${TABLE_HEAD}`);
const rows: Row[] = [];
for (const name of positionals.length > 0 ? positionals : GROUP_NAMES) {
  await runScript<Row>('group.ts', [name, `${runs}`], (row) => {
    rows.push(row);
    console.log(tableLine(row));
  });
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, runs, rows }, null, 2)}\n`);
