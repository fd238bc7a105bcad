import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { app, HighThroughputExecutor } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import type { Group } from '../groups.js';
import { kernelOver, rushRate } from '../kernel-over.js';
import { median, type Row, rowOf } from '../row.js';

const PROCESSES = 8;
const MANAGERS = 2_000;
const TASKS = 20_000;
const IDLE_MS = 20_000;
const CONNECT_MS = 120_000;

/** One interchange with 2,000 managers of 32 slots, several a process, that answer at once: what it costs and carries. */
export const measure: Group = async (runs, report) => {
  const main = fileURLToPath(new URL('../pilot-crowd-main.ts', import.meta.url));
  const executor = new HighThroughputExecutor({
    provider: new LocalProvider({ initBlocks: PROCESSES, minBlocks: PROCESSES, maxBlocks: PROCESSES }),
    pilotCommand: `exec ${process.execPath} --import tsx ${main} ${MANAGERS / PROCESSES}`,
  });
  await using run = await kernelOver(executor);
  const empty = usageOfInterchange();
  await allConnected(executor);
  const idle = await overTime(IDLE_MS);
  report(
    rowOf({ name: `interchange, memory of each of ${MANAGERS} idle managers`, unit: ' KiB' }, [
      { sluice: ((usageOfInterchange().rssMiB - empty.rssMiB) * 1024) / MANAGERS },
    ]),
  );
  report(
    rowOf({ name: `interchange, processor time of ${MANAGERS} idle managers, of one core`, unit: '' }, [
      { sluice: idle },
    ]),
  );
  const noop = app(() => 0, { name: 'noop', kernel: run.kernel });
  await rushRate(TASKS, () => noop());
  const rates: number[] = [];
  for (let turn = 0; turn < runs; turn++) rates.push(await rushRate(TASKS, () => noop()));
  report(rateRow(rates));
  const left = (await executor.managers()).length;
  if (left !== MANAGERS) throw new Error(`${MANAGERS - left} managers were lost on the way`);
};

function rateRow(rates: readonly number[]): Row {
  return rowOf(
    {
      name: `htex, ${TASKS.toLocaleString('en')} no-ops at once over ${MANAGERS} managers of 32 slots, none lost`,
      unit: '/s',
      targets: [{ of: 'sluice', is: 'at least', value: 5_000 }],
    },
    [{ sluice: median(rates) }],
  );
}

async function allConnected(executor: HighThroughputExecutor): Promise<void> {
  const byMs = performance.now() + CONNECT_MS;
  while ((await executor.managers()).length < MANAGERS) {
    if (performance.now() > byMs) throw new Error(`not all of ${MANAGERS} managers have come`);
    await sleep(200);
  }
}

/** Share of one core that the interchange uses meanwhile. */
async function overTime(ms: number): Promise<number> {
  const before = usageOfInterchange().cpuMs;
  await sleep(ms);
  return (usageOfInterchange().cpuMs - before) / ms;
}

const TICK_MS = 10;

// proc(5): fields 14 and 15 of stat, in ticks of 10 ms; VmRSS of status.
function usageOfInterchange(): { readonly rssMiB: number; readonly cpuMs: number } {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isOurs = fields[1] === String(process.pid);
      if (!isOurs || !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('interchange')) continue;
      const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
      return {
        rssMiB: Number(rss?.[1]) / 1024,
        cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      };
    } catch {}
  }
  throw new Error('the interchange is not among the processes of this machine');
}
