import type { Group } from '../groups.js';
import { type Run, rowOf } from '../row.js';
import { runScript } from '../run-script.js';

/** What `million.ts` sends. */
export interface MillionFigures {
  readonly smallRate: number;
  readonly rate: number;
  readonly bytesPerFuture: number;
}

/** A million tasks that do nothing: does the rate hold, what does a kept future weigh, and what does `map` need? */
export const measure: Group = async (runs, report) => {
  const rates: Run[] = [];
  const bytes: Run[] = [];
  const maps: Run[] = [];
  for (let run = 0; run < runs; run++) {
    const [bare] = await runScript<MillionFigures>('million.ts', ['piscina']);
    const [ours] = await runScript<MillionFigures>('million.ts', ['threads']);
    const [peakMiB = Number.NaN] = await runScript<number>('million-map.ts', []);
    if (bare === undefined || ours === undefined) throw new Error('no figures came');
    rates.push({ sluice: ours.rate, bare: ours.smallRate });
    bytes.push({ sluice: ours.bytesPerFuture, bare: bare.bytesPerFuture });
    maps.push({ sluice: peakMiB });
  }
  report(
    rowOf(
      {
        name: 'threads, 1,000,000 no-ops at once, beside 10,000',
        unit: '/s',
        targets: [{ of: 'ratio', is: 'at least', value: 0.8 }],
      },
      rates,
    ),
  );
  report(
    rowOf(
      {
        name: 'heap of each of 1,000,000 futures kept, beside a promise of piscina',
        unit: ' B',
        targets: [{ of: 'sluice', is: 'at most', value: 700 }],
      },
      bytes,
    ),
  );
  report(
    rowOf(
      {
        name: 'most resident memory of 1,000,000 no-ops through map, threads included',
        unit: ' MiB',
        targets: [{ of: 'sluice', is: 'at most', value: 300 }],
      },
      maps,
    ),
  );
};
