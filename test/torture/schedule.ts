/** Which faults a round has, and when: out of the seed alone. Pure but for the random numbers that it is given. */
import type { DiskFault } from '../../proto/gen/lockstep/agent/v1/fault.ts';
import type { Random } from '../support/harness/random.ts';
import { type HostName, HOSTS, type LinkName, LINKS, type ProcessName } from './cluster.ts';
import type { Direction } from './proxy.ts';
import { SECTOR_BYTES } from './sectors.ts';

export const KINDS = [
  'kill',
  'kill both',
  'stop',
  'cut',
  'blip',
  'one way',
  'stall',
  'delay',
  'disk errors',
  'bad sectors',
  'slow disk',
  'handover',
] as const;
export type FaultKind = (typeof KINDS)[number];

export type Fault = { readonly kind: FaultKind; readonly forMs: number } & (
  | { readonly act: 'kill'; readonly who: readonly ProcessName[] }
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

/** How a round is: few kinds of faults at a time, often or seldom, so that each gets to meet every other. */
export interface Regime {
  readonly kinds: readonly FaultKind[];
  readonly gapMs: number;
}

const REPLICATION: readonly LinkName[] = ['a to b', 'b to a'];
/** A failover takes about two seconds. */
const LONG_MS = 6000;
const WHOLE = 1000;

export function regimeOf(random: Random, kinds: readonly FaultKind[]): Regime {
  const chosen = kinds.filter(() => random.happens(0.45));
  return {
    kinds: chosen.length === 0 ? [random.pick(kinds) ?? 'kill'] : chosen,
    gapMs: random.pick([300, 800, 1800]) ?? 800,
  };
}

export function nextFault(random: Random, kinds: readonly FaultKind[], sectors: number): Fault {
  const kind = random.pick(kinds) ?? 'kill';
  const shared = { kind, forMs: Math.round(durationOf(random)) };
  switch (kind) {
    case 'kill':
      return { ...shared, act: 'kill', who: [processOf(random)] };
    case 'kill both':
      return { ...shared, act: 'kill', who: HOSTS };
    case 'stop':
      return { ...shared, act: 'stop', who: processOf(random) };
    case 'cut':
      return { ...shared, act: 'cut', links: linksOf(random), refuses: true };
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
  if (kind < 0.4) return REPLICATION;
  if (kind < 0.6) return [random.pick(LINKS) ?? 'a to b'];
  const host = hostOf(random);
  if (kind < 0.75) return [`${host} to control`, `control to ${host}`];
  return LINKS.filter((link) => link.split(' ').includes(host));
}

const disk = (change: Partial<DiskFault>): DiskFault => ({
  operation: 'write',
  error: '',
  perMille: WHOLE,
  delayMs: 0,
  durationMs: 0,
  offset: 0n,
  length: 0n,
  ...change,
});

function diskFaults(random: Random, kind: FaultKind, sectors: number): DiskFault[] {
  const operation = random.pick(['read', 'write', 'flush'] as const) ?? 'write';
  if (kind === 'slow disk') {
    const delayMs = Math.round(random.happens(0.3) ? random.between(300, 2500) : random.between(1, 60));
    // What takes long for each is a disk that does nothing: seldom, so that it is one hang and not many.
    return [disk({ operation, delayMs, perMille: delayMs > 100 ? 2 : 200 })];
  }
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
