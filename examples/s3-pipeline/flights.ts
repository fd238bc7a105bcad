import { createRequire } from 'node:module';

/** One flight of the dataset. */
export interface Flight {
  /** Minutes late, a whole number; negative when early. */
  readonly delay: number;
  /** Distance flown, in miles. */
  readonly distance: number;
  /** Time of day in hours, with a fraction: 6.25 is 06:15. */
  readonly time: number;
}

/** Flights in `vega-datasets@2.11.0/data/flights-200k.json`. A report that accounts for fewer, or more, is wrong. */
export const FLIGHT_COUNT = 231_083;

/** Where the dataset lies on this machine. */
export function flightsPath(): string {
  return createRequire(import.meta.url).resolve('vega-datasets/data/flights-200k.json');
}

/** What the README of vega-datasets says of the use of its data (section "Data Usage Note"). */
export const DATASET_TERMS: string =
  'These datasets are intended only for instructional and demonstration purposes. Datasets may contain intentional ' +
  'inconsistencies or errors to provide opportunities for data cleaning exercises and to illustrate common data ' +
  'quality issues.';
