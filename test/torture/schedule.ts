/** Which faults a round has, and when: out of the seed alone. Pure but for the random numbers that it is given. */
import type { DiskFault } from '../../proto/gen/lockstep/agent/v1/fault.ts';
import type { Random } from '../support/harness/random.ts';
import { type HostName, HOSTS, type LinkName, LINKS, type ProcessName } from './cluster.ts';
import type { Direction } from './proxy.ts';
import { SECTOR_BYTES } from './sectors.ts';

export const KINDS = [
  'kill',
  'kill both',
  'power',
  'power both',
  'stop',
  'cut',
  'blip',
  'isolate',
  'one way',
  'stall',
  'delay',
  'disk errors',
  'bad sectors',
  'lost pages',
  'slow disk',
  'handover',
] as const;
export type FaultKind = (typeof KINDS)[number];

export type Fault = { readonly kind: FaultKind; readonly forMs: number } & (
  | { readonly act: 'kill'; readonly who: readonly ProcessName[] }
  /** A kill by which half of what is not flushed is gone; of one host only where the other one holds everything. */
  | { readonly act: 'power'; readonly who: readonly HostName[] }
  | { readonly act: 'stop'; readonly who: ProcessName }
  /** Every connection ends; `refuses`: and none is taken for so long. */
  | { readonly act: 'cut'; readonly links: readonly LinkName[]; readonly refuses: boolean }
  | {
      readonly act: 'block';
      readonly links: readonly LinkName[];
      readonly directions: readonly Direction[];
    }
  | { readonly act: 'delay'; readonly links: readonly LinkName[]; readonly delayMs: number }
  | { readonly act: 'disk'; readonly who: HostName; readonly faults: readonly DiskFault[] }
  | { readonly act: 'handover' }
);

/** These lose what is not flushed. Nothing may be lost by it while the other host holds everything, and does not fail. */
export const needsOther = ({ kind }: Fault): boolean => kind === 'power' || kind === 'lost pages';

/** How a round is: few kinds of faults at a time, often or seldom, so that each gets to meet every other. */
export interface Regime {
  readonly kinds: readonly FaultKind[];
  readonly gapMs: number;
  /** The next burst of faults only once both copies are in sync again: else most would meet one copy alone. */
  readonly waits: boolean;
}

/** Of faults that come soon after another where the regime waits. */
const BURST_SHARE = 0.4;
const REPLICATION: readonly LinkName[] = ['a to b', 'b to a'];
/** A failover takes about two seconds. */
const LONG_MS = 6000;
/** Long enough for a failover away from the host. */
const ISOLATED_MS = 900;
/** Clients flush often: that long it takes at most until a flush meets it, as long as nothing else has happened. */
const LOST_PAGES_MS = 300;
const WHOLE = 1000;

export function regimeOf(random: Random, kinds: readonly FaultKind[]): Regime {
  const chosen = kinds.filter(() => random.happens(0.45));
  return {
    kinds: chosen.length === 0 ? [random.pick(kinds) ?? 'kill'] : chosen,
    gapMs: random.pick([300, 800, 1800]) ?? 800,
    waits: random.happens(0.6),
  };
}

export const isBurst = (random: Random): boolean => random.happens(BURST_SHARE);

export function nextFault(random: Random, kinds: readonly FaultKind[], sectors: number): Fault {
  const kind = random.pick(kinds) ?? 'kill';
  const shared = { kind, forMs: Math.round(durationOf(random)) };
  switch (kind) {
    case 'kill':
      return { ...shared, act: 'kill', who: [processOf(random)] };
    case 'kill both':
      return { ...shared, act: 'kill', who: HOSTS };
    case 'power':
      return { ...shared, act: 'power', who: [hostOf(random)] };
    case 'power both':
      return { ...shared, act: 'power', who: HOSTS };
    case 'stop':
      return { ...shared, act: 'stop', who: processOf(random) };
    case 'cut':
      return { ...shared, act: 'cut', links: linksOf(random), refuses: true };
    case 'isolate': {
      const links = linksOfHost(hostOf(random));
      const forMs = Math.round(random.between(ISOLATED_MS, LONG_MS));
      return { kind, forMs, act: 'block', links, directions: ['forward', 'back'] };
    }
    case 'blip':
      return { ...shared, forMs: 0, act: 'cut', links: linksOf(random), refuses: false };
    case 'one way': {
      const direction: Direction = random.happens(0.5) ? 'forward' : 'back';
      return { ...shared, act: 'block', links: linksOf(random), directions: [direction] };
    }
    case 'stall':
      return { ...shared, act: 'block', links: linksOf(random), directions: ['forward', 'back'] };
    case 'delay': {
      const delayMs = Math.round(random.between(5, 400));
      return { ...shared, act: 'delay', links: linksOf(random), delayMs };
    }
    case 'disk errors':
    case 'bad sectors':
    case 'lost pages':
    case 'slow disk':
      return { ...shared, act: 'disk', who: hostOf(random), faults: diskFaults(random, kind, sectors) };
    case 'handover':
      return { ...shared, forMs: 0, act: 'handover' };
  }
}

export function describeFault(fault: Fault): string {
  const { act, kind, forMs } = fault;
  const during = forMs === 0 ? '' : ` for ${forMs} ms`;
  switch (act) {
    case 'kill':
      return `kill ${fault.who.join(' and ')}${during}`;
    case 'power':
      return `loss of power of ${fault.who.join(' and ')}${during}`;
    case 'stop':
      return `stop ${fault.who}${during}`;
    case 'cut':
      return `${kind}: ${fault.links.join(', ')}${during}`;
    case 'block':
      return `${kind} (${fault.directions.join(' and ')} stand still): ${fault.links.join(', ')}${during}`;
    case 'delay':
      return `delay of ${fault.delayMs} ms: ${fault.links.join(', ')}${during}`;
    case 'disk':
      return `${kind} of ${fault.who}: ${fault.faults.map(describeDisk).join(', ')}${during}`;
    case 'handover':
      return 'a planned failover is asked for';
  }
}

function describeDisk({ operation, error, perMille, delayMs, offset, length }: DiskFault): string {
  const what = error === '' ? `${operation} ${delayMs} ms late` : `${operation} ${error}`;
  return length === 0n ? `${what} ${perMille}/1000` : `${what} at sector ${Number(offset) / SECTOR_BYTES}`;
}

/** Many short ones: what hurts happens while something else is not over yet. */
function durationOf(random: Random): number {
  return random.happens(0.5) ? random.between(20, 700) : random.between(700, LONG_MS);
}

const hostOf = (random: Random): HostName => random.pick(HOSTS) ?? 'a';

/** Hosts more often than control, whose absence alone does little. */
const processOf = (random: Random): ProcessName => (random.happens(0.2) ? 'control' : hostOf(random));

/** Between the hosts, between one host and control, or all of one host. */
function linksOf(random: Random): readonly LinkName[] {
  const kind = random.next();
  if (kind < 0.35) return REPLICATION;
  if (kind < 0.5) return [random.pick(LINKS) ?? 'a to b'];
  const host = hostOf(random);
  return kind < 0.6 ? [`${host} to control`, `control to ${host}`] : linksOfHost(host);
}

const linksOfHost = (host: HostName): readonly LinkName[] =>
  LINKS.filter((link) => link.split(' ').includes(host));

const disk = (change: Partial<DiskFault>): DiskFault => ({
  operation: 'write',
  error: '',
  perMille: WHOLE,
  delayMs: 0,
  durationMs: 0,
  offset: 0n,
  length: 0n,
  dropsUnflushed: false,
  ...change,
});

function diskFaults(random: Random, kind: FaultKind, sectors: number): DiskFault[] {
  const operation = random.pick(['read', 'write', 'flush'] as const) ?? 'write';
  if (kind === 'slow disk') {
    const delayMs = Math.round(random.happens(0.3) ? random.between(300, 2500) : random.between(1, 60));
    // What takes long for each is a disk that does nothing: seldom, so that it is one hang and not many.
    return [disk({ operation, delayMs, perMille: delayMs > 100 ? 2 : 200 })];
  }
  if (kind === 'lost pages')
    return [disk({ operation: 'flush', error: 'EIO', durationMs: LOST_PAGES_MS, dropsUnflushed: true })];
  if (kind === 'disk errors') {
    const error = operation === 'write' && random.happens(0.4) ? 'ENOSPC' : 'EIO';
    return [disk({ operation, error, perMille: random.pick([5, 100, WHOLE]) ?? WHOLE })];
  }
  const bad = Array.from({ length: 1 + random.below(6) }, () => random.below(sectors));
  return bad.map((sector) =>
    disk({
      operation: 'read',
      error: 'EIO',
      offset: BigInt(sector * SECTOR_BYTES),
      length: BigInt(SECTOR_BYTES * (1 + random.below(64))),
    }),
  );
}
