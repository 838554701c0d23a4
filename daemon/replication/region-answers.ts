/** What a peer says of regions that it was asked for, or was sent: of a pull, a repair, a copy, a scrub. */
import type { Message } from './messages.ts';
import type { Copies } from './copies.ts';
import type { Peer } from './peer.ts';
import type { Recovery } from './recovery.ts';
import type { Repair } from './repair.ts';
import type { Scrub } from './scrub.ts';

export type RegionAnswer = Extract<
  Message,
  {
    readonly type: 'pull-region' | 'pull-done' | 'fetched' | 'copy-answer' | 'verified' | 'verified-holes';
  }
>;

export interface RegionAskers {
  readonly recovery: Recovery;
  readonly repair: Repair;
  readonly copies: Copies;
  readonly scrub: Scrub;
}

/** Why the link cannot be gone on with; undefined: it can. */
export function takeAnswer(
  { recovery, repair, copies, scrub }: RegionAskers,
  { peer, link }: { readonly peer: Peer; readonly link: number },
  message: RegionAnswer,
  payload: Uint8Array | undefined,
): string | undefined {
  switch (message.type) {
    case 'pull-region':
    case 'pull-done':
      return recovery.onFrame(peer, message, payload) ? undefined : 'half a region';
    case 'fetched':
      return payload !== undefined && repair.onFetched(link, message.region, payload)
        ? undefined
        : 'a region that was not asked for';
    case 'copy-answer': {
      const { region, needed } = message;
      const isAsked =
        peer === copies.peer
          ? copies.join?.onCopyAnswer(region, needed)
          : scrub.onCopyAnswer(peer, region, needed);
      return isAsked === true ? undefined : 'an answer to a copy that was never sent';
    }
    case 'verified':
      return scrub.onVerified(peer, message) ? undefined : 'a region that was not to be verified';
    case 'verified-holes':
      return scrub.onVerifiedHoles(peer, message) ? undefined : 'holes that were not asked about';
  }
}
