/**
 * A line chart as SVG: axes with their units, a line for each series, its name in a legend. Its colours are those of
 * whoever reads it, light or dark, where the file is shown as an image too.
 */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly x: {
    readonly label: string;
    /** The values that were measured, evenly spaced. */ readonly isEven?: boolean;
  };
  readonly y: { readonly label: string };
  readonly series: readonly Series[];
  /** A line that all stay below, or above. */
  readonly limit?: { readonly value: number; readonly label: string };
}

const WIDTH = 720;
const HEIGHT = 380;
const MARGIN = { left: 88, right: 24, top: 76, bottom: 56 };
const PLOT = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
const TICKS = 5;
const LEGEND_STEP = 170;
/** Steps between two ticks of an axis, times a power of ten. */
const NICE = [1, 2, 2.5, 5, 10];

const COLOURS = {
  light: {
    text: '#1f2328',
    grid: '#d0d7de',
    back: '#ffffff',
    limit: '#cf222e',
    lines: ['#0969da', '#bc4c00', '#1a7f37', '#8250df'],
  },
  dark: {
    text: '#e6edf3',
    grid: '#3d444d',
    back: '#0d1117',
    limit: '#f85149',
    lines: ['#4493f8', '#f0883e', '#3fb950', '#ab7df8'],
  },
} as const;

/** Classes, not variables: not every program that draws SVG knows those. */
function rules({ text: ink, grid, back, limit, lines }: (typeof COLOURS)[keyof typeof COLOURS]): string {
  return [
    `text { fill: ${ink}; }`,
    `.grid { stroke: ${grid}; }`,
    `.back { fill: ${back}; }`,
    `.limit { stroke: ${limit}; }`,
    ...lines.map(
      (colour, index) =>
        `.line${String(index)} { stroke: ${colour}; } .fill${String(index)} { fill: ${colour}; }`,
    ),
  ].join('\n  ');
}

const STYLE = `
  text { font: 13px system-ui, sans-serif; }
  .title { font-size: 16px; font-weight: 600; }
  .limit { stroke-width: 1.5; stroke-dasharray: 6 4; }
  ${rules(COLOURS.light)}
  @media (prefers-color-scheme: dark) {
  ${rules(COLOURS.dark)}
  }`;

export function lineChart(chart: Chart): string {
  const xs = [...new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const ys = chart.series.flatMap(({ points }) => points.map(([, y]) => y));
  const yTicks = ticksTo(Math.max(...ys, chart.limit?.value ?? 0));
  const xTicks = chart.x.isEven === true ? xs : ticksTo(xs.at(-1) ?? 0);
  const top = yTicks.at(-1) ?? 1;
  const place = (x: number, y: number): readonly [number, number] => {
    const share =
      chart.x.isEven === true ? xs.indexOf(x) / Math.max(1, xs.length - 1) : x / (xTicks.at(-1) ?? 1);
    return [MARGIN.left + share * PLOT.width, MARGIN.top + PLOT.height * (1 - y / top)];
  };
  const body = [
    `<rect class="back" width="${String(WIDTH)}" height="${String(HEIGHT)}" rx="6"/>`,
    text(MARGIN.left, 28, chart.title, 'class="title"'),
    ...yTicks.flatMap((y) => yTick(y, place(xTicks[0] ?? 0, y)[1])),
    ...xTicks.map((x) => text(place(x, 0)[0], HEIGHT - MARGIN.bottom + 20, label(x), 'text-anchor="middle"')),
    text(MARGIN.left + PLOT.width / 2, HEIGHT - 12, chart.x.label, 'text-anchor="middle"'),
    `<text transform="translate(18 ${round(MARGIN.top + PLOT.height / 2)}) rotate(-90)" text-anchor="middle">${escaped(chart.y.label)}</text>`,
    ...(chart.limit === undefined ? [] : limitLine(chart.limit, place(xTicks[0] ?? 0, chart.limit.value)[1])),
    ...chart.series.flatMap((series, index) => seriesLines(series, index, place)),
  ];
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${escaped(chart.title)}">`;
  return `${head}\n<style>${STYLE}\n</style>\n${body.join('\n')}\n</svg>\n`;
}

function yTick(y: number, at: number): readonly string[] {
  return [
    `<line class="grid" x1="${String(MARGIN.left)}" x2="${String(WIDTH - MARGIN.right)}" y1="${round(at)}" y2="${round(at)}"/>`,
    text(MARGIN.left - 8, at + 4, label(y), 'text-anchor="end"'),
  ];
}

function limitLine(limit: NonNullable<Chart['limit']>, at: number): readonly string[] {
  return [
    `<line class="limit" x1="${String(MARGIN.left)}" x2="${String(WIDTH - MARGIN.right)}" y1="${round(at)}" y2="${round(at)}"/>`,
    text(WIDTH - MARGIN.right - 4, at - 6, limit.label, 'text-anchor="end"'),
  ];
}

function seriesLines(
  { name, points }: Series,
  index: number,
  place: (x: number, y: number) => readonly [number, number],
): readonly string[] {
  const placed = points.map(([x, y]) => place(x, y).map(round));
  const at = MARGIN.left + index * LEGEND_STEP;
  return [
    `<polyline fill="none" class="line${String(index)}" stroke-width="2.5" points="${placed.map((point) => point.join(',')).join(' ')}"/>`,
    ...placed.map(
      ([x, y]) => `<circle cx="${String(x)}" cy="${String(y)}" r="4" class="fill${String(index)}"/>`,
    ),
    `<rect x="${String(at)}" y="44" width="14" height="14" rx="3" class="fill${String(index)}"/>`,
    text(at + 20, 56, name),
  ];
}

/** From 0 to a round number that is not below `most`. */
function ticksTo(most: number): readonly number[] {
  if (most <= 0) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / TICKS));
  const step = (NICE.find((nice) => nice * power * TICKS >= most) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

function label(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en');
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(words)}</text>`;
}

function round(value: number): string {
  return value.toFixed(1);
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
