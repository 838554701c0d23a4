/**
 * The chart of a whole run: for two copies and for one a panel, in it the works, and in each a bar for each setup as long
 * as its rate is to that of the best peer. A mark stands where an aim is. Its colours are those of whoever reads it, light
 * or dark, where the file is shown as an image too. PURE.
 */
import { LOCKSTEP_ONE, LOCKSTEP_TWO, type Row } from './summary.ts';
import type { Setup } from './setup.ts';
import { escaped } from './svg.ts';
import { rateText, ratioText } from './tables.ts';

type Charted = Pick<Setup, 'name' | 'title' | 'copies'>;

interface Panel {
  readonly title: string;
  readonly setups: readonly Charted[];
  readonly groups: readonly Group[];
}

interface Group {
  readonly title: string;
  readonly aim: number | undefined;
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly setup: string;
  /** To the best peer. */
  readonly ratio: number;
  readonly label: string;
}

const WIDTH = 960;
const LEFT = 320;
const RIGHT = 200;
const PLOT = WIDTH - LEFT - RIGHT;
const HEAD = 84;
const PANEL_HEAD = 66;
const PANEL_FOOT = 58;
const BAR = 15;
const GROUP_GAP = 14;
const LEGEND_STEP = 195;

/** Plain rules, without variables: not every viewer of SVG knows those. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; }
  .panel { font-size: 15px; font-weight: 600; }
  .faint { fill: #59636e; font-size: 12px; }
  .back { fill: #ffffff; }
  .grid { stroke: #d0d7de; }
  .even { stroke: #59636e; stroke-width: 1.5; }
  .aim { stroke: #cf222e; stroke-width: 2.5; }
  .own { fill: #0969da; }
  .peer0 { fill: #818b98; }
  .peer1 { fill: #afb8c1; }
  .peer2 { fill: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .faint { fill: #9198a1; }
    .back { fill: #0d1117; }
    .grid { stroke: #3d444d; }
    .even { stroke: #9198a1; }
    .aim { stroke: #f85149; }
    .own { fill: #4493f8; }
    .peer0 { fill: #8b949e; }
    .peer1 { fill: #656c76; }
    .peer2 { fill: #454c55; }
  }`;

/** `under`: what it ran on, in a line. */
export function chart(rows: readonly Row[], setups: readonly Charted[], under: string): string {
  const panels = [
    panelOf('Two copies, to the better QEMU quorum', LOCKSTEP_TWO, 2, rows, setups),
    panelOf('One copy, to the best server of one file', LOCKSTEP_ONE, 1, rows, setups),
  ].filter(({ groups }) => groups.length > 0);
  const body: string[] = [];
  let y = HEAD;
  for (const panel of panels) {
    body.push(...panelLines(panel, y));
    y += panelHeight(panel);
  }
  const title = 'Lockstep beside its peers';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(y)}" width="${String(WIDTH)}" role="img" aria-label="${title}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" width="${String(WIDTH)}" height="${String(y)}" rx="8"/>`,
    text(24, 36, title, 'class="title"'),
    text(24, 60, under, 'class="faint"'),
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function panelOf(
  title: string,
  own: string,
  copies: number,
  rows: readonly Row[],
  setups: readonly Charted[],
): Panel {
  const shown = setups.filter((setup) => setup.copies === copies);
  const groups = rows.flatMap(({ work, cells }) => {
    const present = cells.filter(({ setup }) => shown.some(({ name }) => name === setup));
    const peers = present.filter(({ setup }) => setup !== own).map(({ median }) => median);
    if (peers.length === 0 || peers.length === present.length) return [];
    const best = Math.max(...peers);
    const bars = present.map(({ setup, median }) => ({
      setup,
      ratio: median / best,
      label: `${ratioText(median / best)} · ${rateText(median, work.unit)}`,
    }));
    return [{ title: work.title, aim: copies === 2 ? work.aimTwoCopies : work.aimOneCopy, bars }];
  });
  return { title, setups: shown, groups };
}

function panelLines({ title, setups, groups }: Panel, top: number): readonly string[] {
  const most = Math.max(
    1,
    ...groups.flatMap(({ aim = 0, bars }) => [aim, ...bars.map(({ ratio }) => ratio)]),
  );
  const step = most <= 3 ? 0.5 : Math.ceil(most / 8);
  const end = Math.ceil(most / step) * step;
  const place = (ratio: number): number => LEFT + (ratio / end) * PLOT;
  const first = top + PANEL_HEAD;
  const bottom = first + groupsHeight(groups);
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, at) => at * step);
  const kind = (name: string): string => kindOf(name, setups);
  const lines = [
    text(24, top + 16, title, 'class="panel"'),
    ...legendLines(setups, top + 38, kind),
    ...ticks.flatMap((tick) => [
      line(place(tick), first - 6, place(tick), bottom, tick === 1 ? 'even' : 'grid'),
      text(place(tick), bottom + 18, String(tick), 'class="faint" text-anchor="middle"'),
    ]),
    text(
      LEFT + PLOT / 2,
      bottom + 36,
      'rate, as a multiple of the best peer’s',
      'class="faint" text-anchor="middle"',
    ),
  ];
  let y = first;
  for (const group of groups) {
    lines.push(...groupLines(group, y, place, kind));
    y += groupHeight(group);
  }
  return lines;
}

function groupLines(
  { title, aim, bars }: Group,
  top: number,
  place: (ratio: number) => number,
  kind: (name: string) => string,
): readonly string[] {
  const middle = top + (bars.length * BAR) / 2;
  return [
    text(LEFT - 12, middle + 4, title, 'text-anchor="end"'),
    ...bars.flatMap(({ setup, ratio, label }, at) => {
      const y = top + at * BAR;
      return [
        `<rect x="${String(LEFT)}" y="${fixed(y + 1)}" width="${fixed(place(ratio) - LEFT)}" height="${String(BAR - 2)}" rx="2" class="${kind(setup)}"><title>${escaped(`${setup}: ${label}`)}</title></rect>`,
        text(LEFT + PLOT + 14, y + BAR - 4, label, 'class="faint"'),
      ];
    }),
    // Over the bar that it is for, the first.
    ...(aim === undefined ? [] : [line(place(aim), top - 3, place(aim), top + BAR + 3, 'aim')]),
  ];
}

function legendLines(
  setups: readonly Charted[],
  y: number,
  kind: (name: string) => string,
): readonly string[] {
  const aimAt = 24 + setups.length * LEGEND_STEP;
  return [
    ...setups.flatMap(({ name, title }, at) => [
      `<rect x="${String(24 + at * LEGEND_STEP)}" y="${String(y - 11)}" width="13" height="13" rx="3" class="${kind(name)}"/>`,
      text(44 + at * LEGEND_STEP, y, title),
    ]),
    line(aimAt + 6, y - 13, aimAt + 6, y + 4, 'aim'),
    text(aimAt + 16, y, 'what is asked'),
  ];
}

function kindOf(name: string, setups: readonly Charted[]): string {
  if (name === LOCKSTEP_ONE || name === LOCKSTEP_TWO) return 'own';
  const peers = setups.filter((setup) => setup.name !== LOCKSTEP_ONE && setup.name !== LOCKSTEP_TWO);
  return `peer${String(peers.findIndex((peer) => peer.name === name))}`;
}

function panelHeight({ groups }: Panel): number {
  return PANEL_HEAD + groupsHeight(groups) + PANEL_FOOT;
}

function groupsHeight(groups: readonly Group[]): number {
  return groups.reduce((sum, group) => sum + groupHeight(group), 0);
}

function groupHeight({ bars }: Group): number {
  return bars.length * BAR + GROUP_GAP;
}

function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return `<line class="${className}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`;
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped(words)}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
