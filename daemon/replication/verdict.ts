/** What a scrub makes of what the replicas of a region say: whose copy is right, where a checksum decides that. */
import type { Soundness } from './messages.ts';
import type { HostName } from './units.ts';

export interface Side {
  readonly host: HostName;
  readonly soundness: Soundness;
  /** It has the primary's bytes. True of the primary itself. */
  readonly equal: boolean;
}

export type Verdict =
  | { readonly type: 'sound' }
  /** `host` gets what `from` has. */
  | { readonly type: 'repair'; readonly host: HostName; readonly from: HostName }
  /** They differ, or one is damaged, and nothing says who is right. */
  | { readonly type: 'undecided' };

const sound: Verdict = { type: 'sound' };
const undecided: Verdict = { type: 'undecided' };

/**
 * A checksum that fits proves the bytes under it. One that does not proves them wrong, so that others which differ from
 * them, and of which nothing bad is known, are right. Without either nothing is changed. One is repaired at a time, the
 * primary first: what is wrong elsewhere is found when the region is compared again.
 */
export function judge(primary: Side, others: readonly Side[]): Verdict {
  const sides = [primary, ...others];
  const proven = sides.filter(({ soundness }) => soundness === 'intact');
  const [source] = proven;
  if (source !== undefined) {
    // Two that are proven, and not the same: one of them was not given what it should have been.
    if (proven.some((side) => side.equal !== source.equal)) return undecided;
    return repairFrom(source, sides, (side) => side.soundness === 'damaged' || side.equal !== source.equal);
  }
  const damaged = sides.filter(({ soundness }) => soundness === 'damaged');
  if (damaged.length === 0) return sides.every(({ equal }) => equal) ? sound : undecided;
  const [unproven, ...more] = sides.filter(({ soundness }) => soundness === 'unknown');
  // Several have to be the same for one to be believed, and of others than the primary that is not known.
  if (unproven === undefined || (more.length > 0 && !(unproven.equal && more.every(({ equal }) => equal))))
    return undecided;
  if (damaged.some((bad) => !differ(primary, unproven, bad))) return undecided;
  return repairFrom(unproven, sides, ({ soundness }) => soundness === 'damaged');
}

function repairFrom(source: Side, sides: readonly Side[], isBad: (side: Side) => boolean): Verdict {
  const [primary] = sides;
  const bad = sides.find(isBad);
  if (bad === undefined || primary === undefined) return sound;
  // The primary sends what it has itself; if that were not what the source has, it would be the first to be repaired.
  return { type: 'repair', host: bad.host, from: bad === primary ? source.host : primary.host };
}

/** Of two others that both differ from the primary it is not known whether they are the same. */
function differ(primary: Side, one: Side, other: Side): boolean {
  return one === primary || other === primary ? !one.equal || !other.equal : one.equal !== other.equal;
}
