/** Lone replicas in the parts that tests begin with: a primary with its secondaries, a primary alone, a target. */
import type { DurableState, Effect, Tracked } from '../../../daemon/replication/interface.ts';
import type { Message } from '../../../daemon/replication/messages.ts';
import { type Region, REGION_BYTES } from '../../../daemon/replication/units.ts';
import { RegionSet } from '../../../daemon/replication/region-set.ts';
import { completeState, hello, helloAnswer, Lone, SIZE_BYTES } from './lone.ts';

const REGIONS = SIZE_BYTES / REGION_BYTES;
type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

/** Primary a of generation 5, SERVING with `others` in sync, under their leases; answers their links in order. */
export function serving(others: readonly string[] = ['b']): { lone: Lone; links: number[] } {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', ...others] }));
  const links = others.map((host) => {
    const link = lone.connect(host);
    lone.hear(link, helloAnswer(host, 5));
    return link;
  });
  const [first = 0] = links;
  lone.hear(first, { type: 'pull-done', appliedSequence: 0 });
  grant(lone, links);
  return { lone, links };
}

/** Each link's lease, asked for now. */
export function grant(lone: Lone, links: readonly number[], generation = 5): void {
  for (const link of links)
    lone.hear(link, { type: 'heartbeat-answer', generation, askedAtMs: lone.nowMs, leaseMs: 400 });
}

/** The map that primary a of generation 5 keeps of b, which left its set with generation 4. */
export const mapOfB: Tracked = {
  host: 'b',
  since: 4,
  until: 4,
  covers: true,
  copying: 0,
  compare: false,
};

export function bitmap(regions: readonly Region[]): Uint8Array {
  const set = new RegionSet(REGIONS);
  set.addAll(regions);
  return set.bitmap();
}

/** Primary a of generation 5, alone, with a dirty map of b. */
export function solo(dirty: readonly Region[] = [], tracked: Partial<Tracked> = {}): Lone {
  const durable = completeState({ generation: 5, primary: 'a', inSync: ['a'] });
  const set = new RegionSet(REGIONS);
  set.addAll(dirty);
  const maps = new Map([['b', set.chunks()]]);
  return new Lone('a', { ...durable, tracked: [{ ...mapOfB, ...tracked }] }, { maps });
}

/** It begins to copy to b, which answers so; the link, and what followed the answer. */
export function beginCopy(
  lone: Lone,
  answer: Partial<HelloAnswer> = {},
  {
    changes = [],
    allocated = [],
    changed = [],
  }: {
    readonly changes?: readonly Region[];
    readonly allocated?: readonly Region[];
    readonly changed?: readonly Region[];
  } = {},
): { link: number; effects: Effect[] } {
  lone.snapshot = { allocated, changed };
  lone.step({ type: 'seed', target: 'b', snapshot: 's' });
  const link = lone.connect('b');
  const message = helloAnswer('b', 5, { consistentAt: 4, changesKnown: true, ...answer });
  const payload = bitmap(changes);
  const effects = lone.step({ type: 'frame', link, message, payload, intact: true });
  return { link, effects };
}

/** The regions that a copy names in these frames, with how. */
export function copiesIn(effects: readonly Effect[]): [Message['type'], Region][] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'send' || !('region' in effect.message)) return [];
    const { type, region } = effect.message;
    return type.startsWith('copy-') ? [[type, region]] : [];
  });
}

/** Replica b, to which a has begun to copy in generation 5; it was whole in generation 4, unless told otherwise. */
export function target(more: Partial<DurableState> = {}): Lone {
  const lone = staleCopy(more);
  lone.hear(1, hello('a', 5, 'join'));
  lone.hear(1, { type: 'copy-begin', generation: 5 });
  return lone;
}

/** Replica b, which was dropped from the set by generation 5 and holds what generation 4 was. */
export function staleCopy(more: Partial<DurableState> = {}): Lone {
  const durable = completeState({ generation: 5, primary: 'a', inSync: ['a'] });
  return new Lone('b', { ...durable, complete: false, consistentAt: 4, ...more });
}

/** Replica b, secondary of a in the generation after its copy, having taken part in all of it. */
export function joined(inSync: readonly string[] = ['a', 'b']): Lone {
  const lone = target();
  lone.hear(1, { type: 'candidate', generation: 5, proposedGeneration: 6, sequence: 0 });
  lone.hear(1, { type: 'view', generation: 6, primary: 'a', inSync });
  return lone;
}
