/** Control's answer to a primary that asks for the next generation of its volume. Pure; applied by compare-and-set. */
import type { Observed } from '../model/observation.ts';
import type { VolumeRecord } from '../model/records.ts';

export interface Proposal {
  readonly host: string;
  readonly fromGeneration: number;
  readonly inSync: readonly string[];
  /** The primary's machine was restarted since it was known to hold every acknowledged write. */
  readonly hostRebooted: boolean;
}

export type ProposalAnswer =
  | {
      readonly accepted: true;
      readonly next: VolumeRecord;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly accepted: false; readonly reason: string };

/**
 * `hasLost`: the machine of a member was restarted as well (`isKnownRebooted`). `behind`: why the record is known to be older than what hosts hold (catch-up.ts). Nothing is
 * granted from such.
 */
export function answerProposal(
  record: VolumeRecord,
  proposal: Proposal,
  hasLost: (host: string) => boolean,
  behind?: string,
): ProposalAnswer {
  const { host, inSync } = proposal;
  if (behind !== undefined) return refuse(behind);
  if (record.primary !== host) return refuse(`${record.primary || 'nobody'} is the primary, not ${host}`);
  if (record.generation !== proposal.fromGeneration)
    return refuse(`the record stands at generation ${String(record.generation)}`);
  if (!inSync.includes(host)) return refuse('a primary cannot leave its own in-sync set');
  if (new Set(inSync).size !== inSync.length) return refuse('a host is named twice');
  const stranger = inSync.find((member) => !record.replicas.includes(member));
  if (stranger !== undefined) return refuse(`${stranger} is not a replica of the volume`);
  const removed = record.inSync.filter((member) => !inSync.includes(member));
  // The one that is dropped may hold the only copy of writes that were acknowledged and not yet flushed.
  const keeper = proposal.hostRebooted ? removed.find((member) => !hasLost(member)) : undefined;
  if (keeper !== undefined)
    return refuse(
      `the machine of ${host} was restarted and may lack acknowledged writes that ${keeper} holds; ${keeper} is needed`,
    );
  const added = inSync.filter((member) => !record.inSync.includes(member));
  return {
    accepted: true,
    next: { ...record, generation: record.generation + 1, inSync: [...inSync] },
    added,
    removed,
  };
}

/** A report that it made before it was taken into the set says nothing of what it holds now. */
export function isKnownRebooted(record: VolumeRecord, hosts: Observed, host: string): boolean {
  const replica = hosts.get(host)?.replicas.get(record.volume);
  return replica?.hostRebooted === true && replica.generation === record.generation;
}

const refuse = (reason: string): ProposalAnswer => ({ accepted: false, reason });
