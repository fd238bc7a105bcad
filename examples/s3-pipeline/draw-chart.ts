import type { ReportRow } from './report-rows.js';

/** What a chart shows, and how. */
export interface Chart {
  readonly group: 'hour' | 'distance';
  /** `line`: along a day; `bar`: categories side by side. */
  readonly mark: 'line' | 'bar';
  /** Groups of fewer flights are left out: their quantiles say little. */
  readonly fewestFlights: number;
  /** Size in CSS pixels; the page may scale it. */
  readonly width: number;
  readonly height: number;
}

/** Draws median, p90 and the span from p10 to p90 of each group of the report, and resolves with an SVG element. */
export async function drawChart(report: readonly ReportRow[], chart: Chart): Promise<string> {
  const echarts = await import('echarts');

  const rows = report.filter(({ group, flights }) => group === chart.group && flights >= chart.fewestFlights);
  const ink = { color: '#475569', fontSize: 13 };
  const hidden = { silent: true, symbol: 'none', lineStyle: { opacity: 0 } };
  const stack = { ...hidden, type: chart.mark, stack: 'span', stackStrategy: 'all' as const };
  const mark =
    chart.mark === 'line'
      ? { type: 'line' as const, symbol: 'circle', symbolSize: 7 }
      : { type: 'scatter' as const, symbol: 'rect', symbolSize: [56, 4], itemStyle: { opacity: 1 } };
  const label = { show: true, fontSize: 13, fontWeight: 'bold' as const };

  const picture = echarts.init(null, null, { renderer: 'svg', ssr: true, width: chart.width, height: chart.height });
  picture.setOption({
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left: 8, right: 8, top: 44, bottom: 8, outerBoundsMode: 'same' },
    legend: {
      top: 0,
      left: 0,
      itemGap: 24,
      textStyle: ink,
      data: ['p90', 'median', { name: 'p10 to p90', icon: 'rect' }],
    },
    xAxis: {
      type: 'category',
      data: rows.map(({ label }) => label),
      axisLabel: { ...ink, interval: 0 },
      axisTick: { show: false },
      axisLine: { onZero: false, lineStyle: { color: '#cbd5e1' } },
    },
    yAxis: {
      type: 'value',
      axisLabel: { ...ink, formatter: '{value} min' },
      splitLine: { lineStyle: { color: '#e8edf3' } },
    },
    series: [
      { ...stack, data: rows.map(({ p10 }) => p10), itemStyle: { color: 'transparent' } },
      {
        ...stack,
        name: 'p10 to p90',
        data: rows.map(({ p10, p90 }) => p90 - p10),
        color: '#dbeafe',
        areaStyle: { opacity: 1 },
        barWidth: 56,
      },
      {
        ...mark,
        name: 'p90',
        data: rows.map(({ p90 }) => p90),
        color: '#ea580c',
        label: { ...label, position: 'top', color: '#c2410c' },
      },
      {
        ...mark,
        name: 'median',
        data: rows.map(({ p50 }) => p50),
        color: '#1d4ed8',
        label: { ...label, position: 'bottom', color: '#1e40af' },
      },
    ],
  });
  const svg = picture.renderToSVGString();
  picture.dispose();
  // Every chart numbers its ids from zero, and several stand on one page.
  return svg.replaceAll(/\bzr\d+-/g, `${chart.group}-`);
}
