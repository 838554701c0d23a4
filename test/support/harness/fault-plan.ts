/**
 * The faults of a run, and scrubs among them, drawn before it begins: what strikes whom, and when. Each has a stream of
 * chance of its own, so that one can be left out and the others stay what they are. Pure.
 */
import { Random } from './random.ts';

export type FaultKind =
  | 'cut'
  | 'kill'
  | 'lose-power'
  | 'lose-all-power'
  | 'block'
  | 'block-both'
  | 'isolate'
  | 'lose-control'
  | 'stop'
  | 'hang'
  | 'stall'
  | 'fail-writes'
  | 'fail-flush'
  | 'spoil'
  | 'flip'
  | 'rot'
  | 'seal'
  | 'scrub'
  | 'stop-scrub'
  | 'damage'
  | 'slow'
  | 'drift'
  | 'restart-control'
  | 'slow-control'
  | 'store-down'
  | 'store-older'
  | 'move'
  | 'step-down'
  | 'cut-at-flush'
  | 'kill-at-view'
  | 'kill-promoted'
  | 'late-grant'
  | 'undo-while-asking'
  | 'forget-drop'
  | 'fail-workflow';

export interface Fault {
  /** Its place in the list of the run, from 0. */
  readonly index: number;
  readonly kind: FaultKind;
  readonly host: string;
  /** Since the trouble began; undefined: it follows a moment. */
  readonly atMs: number | undefined;
  /** So many changes of state, of what is durable and proposals into the trouble, and so long after. */
  readonly ambush: { readonly moment: number; readonly afterMs: number } | undefined;
}

/** How often each is drawn, where a run has it at all. */
const weights: Readonly<Record<FaultKind, number>> = {
  cut: 3,
  kill: 3,
  'lose-power': 2,
  'lose-all-power': 0.7,
  block: 1.5,
  'block-both': 1,
  isolate: 1,
  'lose-control': 1,
  stop: 1,
  hang: 1,
  stall: 1,
  'fail-writes': 0.7,
  'fail-flush': 1,
  spoil: 1,
  flip: 1,
  rot: 1.5,
  seal: 1,
  scrub: 2,
  'stop-scrub': 0.3,
  damage: 1,
  slow: 1,
  drift: 0.7,
  'restart-control': 0.5,
  'slow-control': 1,
  'store-down': 0.5,
  'store-older': 0.5,
  move: 1.5,
  'step-down': 0.7,
  'cut-at-flush': 2,
  'kill-at-view': 1,
  'kill-promoted': 1,
  'late-grant': 1,
  'undo-while-asking': 1,
  'forget-drop': 1,
  'fail-workflow': 1,
};

const kinds = Object.keys(weights) as FaultKind[];
/** What may follow at once upon a moment that matters. */
const ambushes: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'stop',
  'cut',
  'lose-power',
  'step-down',
  'store-older',
  'isolate',
];
/** A run in which little else happens than `first`, and then something of `then`. */
interface Theme {
  readonly first: readonly FaultKind[];
  readonly then: readonly FaultKind[];
  readonly everyMs: number;
}
const SELDOM_MS = 3000;
/** Copies are long and break off. */
const longCopies: Theme = {
  first: ['cut-at-flush'],
  then: ['kill', 'lose-power', 'cut-at-flush'],
  everyMs: SELDOM_MS,
};
/** Things come together that seldom do. */
const badMoments: Theme = {
  first: ['kill-at-view', 'kill-promoted', 'late-grant', 'undo-while-asking', 'forget-drop'],
  then: ['kill', 'kill-at-view', 'kill-promoted', 'late-grant', 'undo-while-asking', 'forget-drop'],
  everyMs: SELDOM_MS,
};
/** One scrub after the other, and always something to repair. */
const scrubs: Theme = {
  first: ['scrub'],
  then: ['scrub', 'seal', 'rot', 'flip', 'stop-scrub'],
  everyMs: 30,
};
const themes: readonly (Theme | undefined)[] = [
  longCopies,
  longCopies,
  badMoments,
  scrubs,
  ...Array.from({ length: 7 }, () => undefined),
];
const MAX_MOMENTS = 400;

export interface PlanOptions {
  readonly seed: number;
  readonly hosts: readonly string[];
  readonly forMs: number;
}

/** No run has all kinds: what hides behind another fault is found where that one is missing. */
export function drawFaults({ seed, hosts, forMs }: PlanOptions): readonly Fault[] {
  const random = Random.of(seed, 'faults');
  const theme = random.pick(themes);
  const share = random.pick([0.25, 0.5, 0.9]) ?? 0.5;
  const drawn = kinds.filter(() => random.happens(share));
  const present = theme?.then ?? drawn;
  const everyMs = theme === undefined ? (random.pick([60, 150, 400, 1000]) ?? 150) : theme.everyMs;
  const ambushShare = theme === undefined ? (random.pick([0, 0.03, 0.15]) ?? 0) : 0;
  const faults: Fault[] = [];
  const add = (kind: FaultKind | undefined, when: Pick<Fault, 'atMs' | 'ambush'>): void => {
    const host = random.pick(hosts) ?? '';
    if (kind !== undefined) faults.push({ index: faults.length, kind, host, ...when });
  };
  for (let atMs = 0; atMs < forMs; atMs += random.between(0, 2 * everyMs))
    add(drawKind(random, (faults.length === 0 ? theme?.first : undefined) ?? present), {
      atMs,
      ambush: undefined,
    });
  if (ambushShare > 0)
    for (let moment = 0; moment < MAX_MOMENTS; moment += 1 + random.below(2 / ambushShare))
      add(random.pick(ambushes), { atMs: undefined, ambush: { moment, afterMs: random.between(0, 30) } });
  return faults;
}

function drawKind(random: Random, present: readonly FaultKind[]): FaultKind | undefined {
  let left = random.next() * present.reduce((sum, kind) => sum + weights[kind], 0);
  return present.find((kind) => (left -= weights[kind]) < 0);
}
