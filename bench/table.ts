import type { Row, Target, Unit } from './row.js';

export const TABLE_HEAD = '| name | sluice | bare | ratio | target |\n|---|---:|---:|---:|---|';

/** A row as a line of markdown; a target that is missed says so. */
export function tableLine(row: Row): string {
  const targets = row.targets.map((target) => targetText(target, row.unit)).join(', ');
  const cells = [
    row.name,
    quantity(row.sluice, row.unit),
    row.bare === undefined ? '' : quantity(row.bare, row.unit),
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.met ? targets : `${targets} (missed)`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function targetText({ of, is, value }: Target, unit: Unit): string {
  const sign = is === 'at least' ? '≥' : '≤';
  return of === 'ratio' ? `${sign} ${value} ×` : `${sign} ${quantity(value, unit)}`;
}

function quantity(value: number, unit: Unit): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return `${Number(value.toFixed(digits)).toLocaleString('en')}${unit}`;
}
