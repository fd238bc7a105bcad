/** What a figure should reach: of its own value, or of its ratio to the bare one. */
export interface Target {
  readonly of: 'sluice' | 'ratio';
  readonly is: 'at least' | 'at most';
  readonly value: number;
}

/** What a figure is counted in. */
export type Unit = '/s' | ' ms' | ' s' | ' B' | ' KiB' | ' MiB' | '';

/** One line of the table: medians over the runs. */
export interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly sluice: number;
  /** Absent where there is nothing bare to compare with. */
  readonly bare?: number;
  /** Median of each run's ours by bare, not the ratio of the medians. */
  readonly ratio?: number;
  readonly targets: readonly Target[];
  readonly met: boolean;
  /** Every run as it came. */
  readonly runs: readonly Run[];
}

/** One run of a figure. */
export interface Run {
  readonly sluice: number;
  readonly bare?: number;
}

/** Names, units and targets of a figure. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly targets?: readonly Target[];
}

/** Runs ours and the bare one in turn, `runs` times, so that both see the same machine. */
export async function measured(
  figure: Figure,
  runs: number,
  ours: () => Promise<number>,
  bare?: () => Promise<number>,
): Promise<Row> {
  const all: Run[] = [];
  for (let run = 0; run < runs; run++) {
    all.push(bare === undefined ? { sluice: await ours() } : { bare: await bare(), sluice: await ours() });
  }
  return rowOf(figure, all);
}

/** The line of runs that are over. */
export function rowOf(figure: Figure, runs: readonly Run[]): Row {
  const sluice = median(runs.map((run) => run.sluice));
  const compared = runs.flatMap(({ sluice, bare }) => (bare === undefined ? [] : [{ bare, ratio: sluice / bare }]));
  const targets = figure.targets ?? [];
  const own = { ...figure, targets, sluice, runs };
  if (compared.length === 0) return { ...own, met: targets.every((target) => isMet(target, { sluice })) };
  const bare = median(compared.map((run) => run.bare));
  const ratio = median(compared.map((run) => run.ratio));
  return { ...own, bare, ratio, met: targets.every((target) => isMet(target, { sluice, ratio })) };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Nearest rank; `values` in any order. */
export function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? Number.NaN;
}

function isMet(target: Target, found: { readonly sluice: number; readonly ratio?: number }): boolean {
  const value = found[target.of] ?? Number.NaN;
  return target.is === 'at least' ? value >= target.value : value <= target.value;
}
