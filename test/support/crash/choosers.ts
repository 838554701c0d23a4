/**
 * Which of the states that a loss of power may leave: nothing or all of what was not synced, one thing left out or one
 * alone, some files wholly and others not, or each sector by chance. The orders that a store gets wrong are mostly of
 * two files, or of one sector against the rest.
 */
import type { Random } from '../harness/random.ts';
import type { Chooser, Unit } from './disk-file.ts';

/** `options` of a unit; the newest is the last. */
export interface Choice {
  readonly chosen: number;
  readonly options: number;
  readonly unit: Unit;
}

export const NEWEST: Chooser = (options) => options - 1;

/** Tells what it chose. */
export function noting(choose: Chooser, choices: Choice[]): Chooser {
  return (options, unit) => {
    const chosen = choose(options, unit);
    choices.push({ chosen, options, unit });
    return chosen;
  };
}

/** The same choices again. */
export function repeating(choices: readonly Choice[]): Chooser {
  let next = 0;
  return () => choices[next++]?.chosen ?? 0;
}

type Policy = (random: Random) => Chooser;

const any = (random: Random, options: number): number => random.below(options);

const policies: readonly (readonly [weight: number, policy: Policy])[] = [
  [1, () => () => 0],
  [1, () => NEWEST],
  [2, (random) => one(random, { alone: (options) => options - 1, others: () => 0 })],
  [2, (random) => one(random, { alone: () => 0, others: (options) => options - 1 })],
  [4, byFile],
  [2, (random) => byChance(random, [0.1, 0.5, 0.9][random.below(3)] ?? 0.5)],
  [1, (random) => (options) => any(random, options)],
];
const TOTAL = policies.reduce((sum, [weight]) => sum + weight, 0);

export function randomChooser(random: Random): Chooser {
  let left = random.below(TOTAL);
  for (const [weight, policy] of policies) {
    left -= weight;
    if (left < 0) return policy(random);
  }
  return NEWEST;
}

/** Each is kept, or lost, by this chance. */
function byChance(random: Random, kept: number): Chooser {
  return (options) => (random.happens(kept) ? 1 + random.below(options - 1) : 0);
}

/** Each file is kept, lost, or something between. */
function byFile(random: Random): Chooser {
  const chances = new Map<string, number>();
  return (options, { kind, inode }) => {
    const key = `${kind} ${inode}`;
    const chance = chances.get(key) ?? [0, 1, 1, 0.5][random.below(4)] ?? 0;
    chances.set(key, chance);
    if (chance === 1) return options - 1;
    return byChance(random, chance)(options, { kind, inode, what: '' });
  };
}

/** Which one it is is not known before they are counted: the chance is that of one of some. */
function one(
  random: Random,
  { alone, others }: { alone: (options: number) => number; others: (options: number) => number },
): Chooser {
  let left = random.below([3, 12, 48][random.below(3)] ?? 3);
  return (options) => (left-- === 0 ? alone(options) : others(options));
}
