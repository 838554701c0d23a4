/**
 * A CPU profile as a flame graph: a box for each frame, as wide as the time that it and what it called had, its callers
 * below it, the widest first. What was outside (idle, native code) is left out, and the shares are of the rest. PURE.
 */
import { type CpuProfile, isOutside, nameOf, placeOf, type ProfileNode, selfUsById } from './cpu-profile.ts';
import { escaped } from './svg.ts';

interface Box {
  readonly node: ProfileNode;
  readonly depth: number;
  /** From 0 to 1. */
  readonly from: number;
  readonly share: number;
}

const WIDTH = 1400;
const MARGIN = 12;
const HEAD = 58;
const FRAME = 18;
const CHARACTER = 6.7;
/** Narrower ones are neither seen nor hit. */
const LEAST_WIDTH = 0.6;

/** By the first that a place begins with. */
const KINDS: readonly (readonly [prefix: string, kind: string, title: string])[] = [
  ['daemon/replication/', 'replication', 'replication'],
  ['daemon/wire/', 'wire', 'links'],
  ['daemon/nbd/', 'nbd', 'NBD'],
  ['daemon/store/', 'store', 'store'],
  ['daemon/', 'own', 'other of the daemon'],
  ['node:', 'node', 'Node'],
];
const OTHER = ['', 'native', 'packages, native code, garbage collection'] as const;

/** Plain rules, without variables: not every viewer of SVG knows those. */
const STYLE = `
  text { font: 12px ui-monospace, monospace; fill: #1f2328; }
  .title { font: 600 16px system-ui, sans-serif; }
  .back { fill: #ffffff; }
  g rect { stroke: #ffffff; stroke-width: 0.7; }
  .replication { fill: #a5d6ff; }
  .wire { fill: #ffd8b5; }
  .nbd { fill: #aceebb; }
  .store { fill: #ffb3c8; }
  .own { fill: #d8b9ff; }
  .node { fill: #e6e1a8; }
  .native { fill: #d0d7de; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .back { fill: #0d1117; }
    g rect { stroke: #0d1117; }
    .replication { fill: #1158c7; }
    .wire { fill: #9b4215; }
    .nbd { fill: #196c2e; }
    .store { fill: #9e3670; }
    .own { fill: #6639a6; }
    .node { fill: #6b5f0a; }
    .native { fill: #3d444d; }
  }`;

/** `root`: see placeOf. */
export function flameGraph(profile: CpuProfile, title: string, root: string): string {
  const boxes = boxesOf(profile);
  const depths = Math.max(0, ...boxes.map(({ depth }) => depth + 1));
  const height = HEAD + depths * FRAME + MARGIN;
  const plot = WIDTH - 2 * MARGIN;
  const shown = boxes.filter(({ share }) => share * plot >= LEAST_WIDTH);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" width="${String(WIDTH)}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" width="${String(WIDTH)}" height="${String(height)}"/>`,
    `<text class="title" x="${String(MARGIN)}" y="24">${escaped(title)}</text>`,
    ...legend(),
    ...shown.map(({ node, depth, from, share }) => {
      const { callFrame } = node;
      const [name, place] = [nameOf(callFrame), placeOf(callFrame, root)];
      const width = share * plot;
      const x = MARGIN + from * plot;
      const y = HEAD + (depths - 1 - depth) * FRAME;
      const fits = Math.floor((width - 6) / CHARACTER);
      const label = fits < 3 ? '' : name.length <= fits ? name : `${name.slice(0, fits - 1)}…`;
      const words = [name, place, `${(share * 100).toFixed(1)} %`].filter((word) => word !== '').join(', ');
      const text =
        label === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${String(y + 13)}">${escaped(label)}</text>`;
      return `<g><title>${escaped(words)}</title><rect x="${x.toFixed(1)}" y="${String(y)}" width="${width.toFixed(1)}" height="${String(FRAME)}" rx="2" class="${kindOf(place)}"/>${text}</g>`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

function boxesOf(profile: CpuProfile): readonly Box[] {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfUs = selfUsById(profile);
  const totalUs = new Map<number, number>();
  const childrenOf = ({ children = [] }: ProfileNode): readonly ProfileNode[] =>
    children.flatMap((id) => byId.get(id) ?? []).filter((child) => !isOutside(child));
  const total = (node: ProfileNode): number => {
    const us = childrenOf(node).reduce((sum, child) => sum + total(child), selfUs.get(node.id) ?? 0);
    totalUs.set(node.id, us);
    return us;
  };
  const [root] = profile.nodes;
  if (root === undefined) return [];
  const allUs = total(root);
  if (allUs === 0) return [];
  const boxes: Box[] = [];
  const place = (node: ProfileNode, depth: number, from: number): void => {
    boxes.push({ node, depth, from, share: (totalUs.get(node.id) ?? 0) / allUs });
    const widest = childrenOf(node).toSorted((a, b) => (totalUs.get(b.id) ?? 0) - (totalUs.get(a.id) ?? 0));
    let at = from;
    for (const child of widest) {
      place(child, depth + 1, at);
      at += (totalUs.get(child.id) ?? 0) / allUs;
    }
  };
  place(root, 0, 0);
  return boxes.filter(({ share }) => share > 0);
}

function kindOf(place: string): string {
  return (KINDS.find(([prefix]) => place.startsWith(prefix)) ?? OTHER)[1];
}

function legend(): readonly string[] {
  let x = MARGIN;
  return [...KINDS, OTHER].map(([, kind, title]) => {
    const at = x;
    x += 36 + title.length * CHARACTER * 1.1;
    return `<g><rect x="${at.toFixed(1)}" y="36" width="12" height="12" rx="2" class="${kind}"/><text x="${(at + 17).toFixed(1)}" y="46">${escaped(title)}</text></g>`;
  });
}
