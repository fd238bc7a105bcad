import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file } from 'sluice';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { drawChart } from '../../../examples/s3-pipeline/draw-chart.js';
import { fillPage } from '../../../examples/s3-pipeline/fill-page.js';
import { pageHeadline } from '../../../examples/s3-pipeline/page-headline.js';
import { pageTable } from '../../../examples/s3-pipeline/page-table.js';
import type { ReportRow } from '../../../examples/s3-pipeline/report-rows.js';

const template = file(new URL('../../../examples/s3-pipeline/page.html', import.meta.url));
const figures = { flights: 4000, mean: -1.5, p10: -11, p50: -2, p90: 8, latePercent: 3.1 };
const report: readonly ReportRow[] = [
  { ...figures, group: 'hour', label: '03:00', flights: 2, p90: 180 },
  { ...figures, group: 'hour', label: '06:00' },
  { ...figures, group: 'hour', label: '22:00', p90: 97 },
  { ...figures, group: 'distance', label: '250-499 mi' },
  { ...figures, group: 'all', label: 'all flights', flights: 8002 },
];
const chart = { fewestFlights: 250, width: 600, height: 300 } as const;

describe('the page', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-page-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function page(): Promise<string> {
    const output = file(join(directory, 'page.html'));
    const parts = {
      headline: pageHeadline(report, chart.fewestFlights),
      hourChart: await drawChart(report, { ...chart, group: 'hour', mark: 'line' }),
      distanceChart: await drawChart(report, { ...chart, group: 'distance', mark: 'bar' }),
      table: pageTable(report),
      fewestFlights: '250',
      terms: 'terms',
      shards: '3',
      madeBy: 'test: shards in memory',
    };
    await fillPage(template, parts, { outputs: [output] });
    return readFile(output.path, 'utf8');
  }

  test('asks for nothing from elsewhere', async () => {
    const html = await page();
    expect(html).not.toMatch(/<script|<link|<img|@import|url\((?!#)/);
    expect(html).not.toMatch(/\s(src|xlink:href)=/);
  });

  test('has every part of its template filled in', async () => {
    expect(await page()).not.toMatch(/\{\{|\}\}|undefined|NaN/);
  });

  test('leaves hours of few flights out of the chart and its opening, and keeps them in the table', async () => {
    const svg = await drawChart(report, { ...chart, group: 'hour', mark: 'line' });
    expect(svg).toContain('06:00');
    expect(svg).not.toContain('03:00');
    expect(pageHeadline(report, 250)).toContain('at most 97 at 22:00');
    expect(pageTable(report)).toContain('<td>03:00</td><td>2</td>');
  });

  test('gives its charts ids of their own', async () => {
    const hour = await drawChart(report, { ...chart, group: 'hour', mark: 'line' });
    const distance = await drawChart(report, { ...chart, group: 'distance', mark: 'bar' });
    const ids = (svg: string) => [...svg.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids(hour).filter((id) => ids(distance).includes(id))).toEqual([]);
    expect(hour).toContain('hour-c0');
  });

  test('says which part is missing', async () => {
    const text = file(join(directory, 'template.html'));
    await writeFile(text.path, '<p>{{here}} {{gone}}</p>');
    await expect(fillPage(text, { here: 'x' }, { outputs: [] })).rejects.toThrow('missing: gone');
  });
});
