/** Who takes part in a work by itself: a setup without an aim there would only make the run longer. PURE. */
import type { Setup } from './setup.ts';
import { LOCKSTEP_TWO, PEER_ACROSS } from './summary.ts';
import type { Work } from './works.ts';

export function takesPart(work: Work, setup: Pick<Setup, 'name' | 'copies'>): boolean {
  // The floor below all others.
  if (setup.copies === 0) return true;
  const isAcross =
    work.aimAcross !== undefined && (setup.name === LOCKSTEP_TWO || setup.name === PEER_ACROSS);
  if (isAcross) return true;
  return (setup.copies === 2 ? work.aimTwoCopies : work.aimOneCopy) !== undefined;
}
