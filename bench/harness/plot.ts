import * as echarts from 'echarts';
import { type Results, type ScenarioResult, valuesOf } from './results.js';
import { summarise, worstRatio } from './statistics.js';

const WIDTH = 860;
const ROW_HEIGHT = 26;
const MARGIN = { top: 64, right: 60, bottom: 48, left: 380 };
const COLOURS = { ours: '#2563eb', reference: '#9ca3af' } as const;

interface Bars {
  readonly title: string;
  readonly subtitle: string;
  /** Names of the rows, from the top. */
  readonly rows: readonly string[];
  readonly series: readonly { readonly name: string; readonly colour: string; readonly values: readonly number[] }[];
  /** Where bars begin; default: at the axis. */
  readonly from?: number;
  /** How a value is written at its bar. */
  label(value: number): string;
}

/** How many times better ours is than the best of the others, by scenario: of the headline figures. Undefined without any. */
export function ratioPlot(results: Results): string | undefined {
  const rows = Object.values(results).flatMap((result) => {
    const times = timesBetter(result);
    return times === undefined ? [] : [{ title: result.title, times }];
  });
  if (rows.length === 0) return undefined;
  return bars({
    title: 'How many times better than the best of the others',
    subtitle: 'the first figure of each scenario, medians, logarithmic; 1× = the same',
    rows: rows.map(({ title }) => title),
    series: [{ name: 'RocketNest', colour: COLOURS.ours, values: rows.map(({ times }) => times) }],
    from: 1,
    label: (value) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)}×`,
  });
}

/** Medians of the headline figures with this unit, one bar for each peer. Undefined without any. */
export function ratePlot(results: Results, unit: string): string | undefined {
  const shown = Object.values(results).filter((result) => headline(result)[1].unit === unit && complete(result));
  const first = shown[0];
  if (first === undefined) return undefined;
  const same = shown.filter(({ peers }) => JSON.stringify(peers) === JSON.stringify(first.peers));
  return bars({
    title: `${unit.charAt(0).toUpperCase()}${unit.slice(1)}`,
    subtitle: 'medians, logarithmic',
    rows: same.map(({ title }) => title),
    series: first.peers.map(({ name, title }, i) => ({
      name: title,
      colour: i === first.peers.length - 1 ? COLOURS.ours : COLOURS.reference,
      values: same.map((result) => summarise(valuesOf(result.runs, name, headline(result)[0])).median),
    })),
    label: (value) => Math.round(value).toLocaleString('en-US'),
  });
}

function headline(result: ScenarioResult) {
  return Object.entries(result.figures)[0]!;
}

function complete(result: ScenarioResult): boolean {
  const [key] = headline(result);
  return result.peers.every(({ name }) => valuesOf(result.runs, name, key).length > 0);
}

function timesBetter(result: ScenarioResult): number | undefined {
  const [key, { better }] = headline(result);
  const [ours, ...references] = result.peers.map(({ name }) => valuesOf(result.runs, name, key)).reverse();
  const ratio = worstRatio(better, ours!, references)?.median;
  if (ratio === undefined) return undefined;
  const times = better === 'higher' ? ratio : 1 / ratio;
  return Number.isFinite(times) && times > 0 ? times : undefined;
}

/** Horizontal bars on a logarithmic axis, as SVG text that depends on nothing but the arguments. */
function bars({ title, subtitle, rows, series, from, label }: Bars): string {
  const height = MARGIN.top + MARGIN.bottom + rows.length * (ROW_HEIGHT * Math.max(1, series.length * 0.8));
  const lowest = Math.min(...series.flatMap(({ values }) => values), from ?? Number.POSITIVE_INFINITY);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: Math.round(height) });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, subtext: subtitle, left: 'center', top: 4, textStyle: { fontSize: 15 } },
    legend: series.length > 1 ? { bottom: 4, itemGap: 60 } : { show: false },
    grid: MARGIN,
    xAxis: {
      type: 'log',
      min: 10 ** Math.floor(Math.log10(lowest)),
      axisLabel: { fontSize: 11 },
      ...(from !== undefined && { startValue: from }),
    },
    yAxis: {
      type: 'category',
      data: [...rows],
      inverse: true,
      axisLabel: { fontSize: 11, width: MARGIN.left - 90, overflow: 'truncate' },
      axisTick: { show: false },
    },
    series: series.map(({ name, colour, values }) => ({
      type: 'bar',
      name,
      data: [...values],
      itemStyle: { color: colour },
      label: { show: true, position: 'right', fontSize: 11, formatter: ({ value }: { value: number }) => label(value) },
    })),
  } as echarts.EChartsCoreOption);
  try {
    // Styles of pointers have no use in a picture, and their names count the charts of this process.
    const svg = chart.renderToSVGString().replaceAll(/<style.*?<\/style>\n?|(?: class| ecmeta_\w+)="[^"]*"/gs, '');
    return `${svg}\n`;
  } finally {
    chart.dispose();
  }
}
