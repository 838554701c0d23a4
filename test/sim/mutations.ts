/**
 * Ways to get daemon/replication wrong. Each takes one thing away that docs/replication.md relies on; the random runs,
 * or else a test, have to notice (mutations-main.ts). What nobody notices is a hole in the tests.
 *
 * A mutation is a text and what stands in its place. The text must be there once, so that the list cannot rot in
 * silence when the code moves on.
 */

export interface Mutation {
  readonly name: string;
  /** What is wrong then. */
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const FOLLOWER = 'daemon/replication/follower.ts';
const JOIN = 'daemon/replication/join.ts';
const LEADER = 'daemon/replication/leader.ts';
const PRIMARY = 'daemon/replication/primary.ts';
const REPLICA = 'daemon/replication/replica.ts';
const SECONDARY = 'daemon/replication/secondary.ts';

const fencing: readonly Mutation[] = [
  {
    name: 'frame-generation',
    what: 'A secondary takes frames of any generation.',
    file: FOLLOWER,
    find: `if (!('generation' in message) || message.generation !== this.#core.generation) {`,
    replace: `if (!('generation' in message)) {`,
  },
  {
    name: 'hello-generation',
    what: 'A hello of an older generation is not refused with the newer one.',
    file: FOLLOWER,
    find: `if (hello.generation < generation)`,
    replace: `if (hello.generation < 0)`,
  },
  {
    name: 'lease-wait',
    what: 'A promoted replica serves while the lease that it granted runs.',
    file: FOLLOWER,
    find: `    if (this.#core.nowMs < this.secondary.leaseGrantedUntilMs) return;\n`,
    replace: '',
  },
  {
    name: 'lease-of-an-earlier-life',
    what: 'A secondary that restarts forgets that its earlier life granted a lease.',
    file: SECONDARY,
    find: `this.leaseGrantedUntilMs = core.nowMs + core.options.leaseMs;`,
    replace: `this.leaseGrantedUntilMs = core.nowMs;`,
  },
  {
    name: 'lease-from-the-wrong-end',
    what: 'The holder counts its lease from the answer, not from when it asked.',
    file: LEADER,
    find: `peer.takeLease(message);`,
    replace: `peer.takeLease({ ...message, askedAtMs: this.#core.nowMs });`,
  },
  {
    name: 'read-outlives-lease',
    what: 'A read is answered without a look at the lease after the disk gave the bytes.',
    file: PRIMARY,
    find: `else if (this.leaseHolds() && event.data !== undefined)`,
    replace: `else if (event.data !== undefined)`,
  },
  {
    name: 'promoting-forgotten',
    what: 'A replica that restarts while it is promoted does not wait for the lease any more.',
    file: FOLLOWER,
    find: `promoting: !first,`,
    replace: `promoting: false,`,
  },
];

const acknowledging: readonly Mutation[] = [
  {
    name: 'apply-before-answer',
    what: 'The primary applies a write before the answer of its secondary.',
    file: PRIMARY,
    find: `    if (this.peer?.required === true && write.sequence > this.peer.ackedSequence) return;\n`,
    replace: `    if (this.peer?.required === true && write.sequence > this.peer.ackedSequence) {
      this.#core.write(write, () => undefined);
      return;
    }\n`,
  },
  {
    name: 'acknowledge-before-answer',
    what: 'A write is acknowledged without the answer of the secondary.',
    file: PRIMARY,
    find: `    if (this.peer?.required === true && write.sequence > this.peer.ackedSequence) return;\n`,
    replace: '',
  },
  {
    name: 'solo-without-consent',
    what: 'While the link is down the primary acknowledges what is in flight without asking control.',
    file: PRIMARY,
    find: `if (this.peer?.required === true && write.sequence > this.peer.ackedSequence) return;`,
    replace: `if (this.peer?.required === true && this.peer.ready && write.sequence > this.peer.ackedSequence) return;`,
  },
  {
    name: 'flush-without-peer',
    what: 'A flush is acknowledged before the secondary has flushed.',
    file: PRIMARY,
    find: `if (round === undefined || !round.localDone || !round.peerDone) return;`,
    replace: `if (round === undefined || !round.localDone) return;`,
  },
  {
    name: 'flush-without-own-disk',
    what: 'A flush is acknowledged before the primary has flushed.',
    file: PRIMARY,
    find: `if (round === undefined || !round.localDone || !round.peerDone) return;`,
    replace: `if (round === undefined || !round.peerDone) return;`,
  },
  {
    name: 'checksum-ignored',
    what: 'A payload that does not match its checksum is taken.',
    file: REPLICA,
    find: `if (!event.intact) {`,
    replace: `if (false) {`,
  },
  {
    name: 'duplicate-delivery',
    what: 'A write that is sent again after a reconnect, and already here, is not known for what it is.',
    file: SECONDARY,
    find: `    if (!this.#anySequence && sequence <= this.#appliedSequence) return;\n`,
    replace: '',
  },
  {
    name: 'not-sent-again',
    what: 'What was in flight when the link broke is not sent again.',
    file: PRIMARY,
    find: `for (const write of this.#inflight) if (write.sequence > appliedSequence) this.#send(write);`,
    replace: '',
  },
];

const copying: readonly Mutation[] = [
  {
    name: 'write-into-copy',
    what: 'A write is taken to a region that is being read for a copy.',
    file: PRIMARY,
    find: `    if (this.copyLock !== undefined && overlaps(this.copyLock, { offset, length })) return false;\n`,
    replace: '',
  },
  {
    name: 'copy-into-write',
    what: 'A region is read for a copy while a write to it is in flight.',
    file: JOIN,
    find: `return !this.#primary.overlapsInflight(this.#primary.copyLock);`,
    replace: `return true;`,
  },
  {
    name: 'inflight-left-out',
    what: 'A target that is connected never gets the writes that were in flight.',
    file: LEADER,
    find: `join.connect([...new Set([...changed, ...this.primary.inflightRegions()])]);`,
    replace: `join.connect([...changed]);`,
  },
  {
    name: 'incomplete-looks-complete',
    what: 'A copy that broke off looks like a complete replica after a restart.',
    file: FOLLOWER,
    find: `const change = { view, complete: false, blank: false, `,
    replace: `const change = { view, complete: true, blank: false, `,
  },
  {
    name: 'asking-without-obeying',
    what: 'While control is asked to take the target in, writes do not wait for the target.',
    file: JOIN,
    find: `this.peer.required = true;`,
    replace: `this.peer.required = false;`,
  },
  {
    name: 'asking-not-durable',
    what: 'Control is asked before it is durable that it is asked.',
    file: JOIN,
    find: `this.#core.persist({ asking: this.peer.host }, () => {`,
    replace: `[this.peer.host].forEach(() => {`,
  },
  {
    name: 'candidate-not-durable',
    what: 'A target says that it is a candidate before that is durable.',
    file: FOLLOWER,
    find: `this.#core.persist({ candidateFor, bootId: this.#core.options.bootId }, () => {`,
    replace: `[candidateFor].forEach(() => {`,
  },
];

const changingHands: readonly Mutation[] = [
  {
    name: 'promote-joining',
    what: 'A joining replica is promoted by a generation that it is no candidate of.',
    file: FOLLOWER,
    find: `const candidate = this.state === 'JOINING' && durable.candidateFor === view.generation - 1;`,
    replace: `const candidate = this.state === 'JOINING';`,
  },
  {
    name: 'candidate-rule',
    what: 'Control is not told that a joining replica is a candidate, and leaves the only copy alone.',
    file: REPLICA,
    find: `candidateFor: persisted.candidateFor,`,
    replace: `candidateFor: 0,`,
  },
  {
    name: 'recover-without-pull',
    what: 'A restarted primary serves without what only its secondary holds.',
    file: LEADER,
    find: `      this.#beginPull(peer, link);\n      return;`,
    replace: `      this.#recovered(answer.appliedSequence);\n      return;`,
  },
  {
    name: 'unstable-left-out',
    what: 'A secondary does not note what was written since both sides were last stable.',
    file: SECONDARY,
    find: `this.#unstable.written(firstRegion(range), lastRegion(range), sequence);`,
    replace: `void firstRegion, lastRegion;`,
  },
  {
    name: 'view-not-durable',
    what: 'A primary acts by a view before it is durable.',
    file: LEADER,
    find: `() => {
      if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')`,
    replace: `() => undefined);
    [view].forEach(() => {
      if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')`,
  },
  {
    name: 'promotion-not-durable',
    what: 'A promoted replica serves before it is durable that it is primary.',
    file: FOLLOWER,
    find: `if (this.state !== 'PROMOTING' || this.#leader.primary.adopting) return;`,
    replace: `if (this.state !== 'PROMOTING') return;`,
  },
  {
    name: 'resume-another-process',
    what: 'A secondary whose process restarted goes on as if it had not.',
    file: FOLLOWER,
    find: `        hello.peerIncarnation === options.incarnation &&
        hello.incarnation === this.secondary.primaryIncarnation &&
        this.secondary.unstableKnown;`,
    replace: `true;`,
  },
];

export const mutations: readonly Mutation[] = [...fencing, ...acknowledging, ...copying, ...changingHands];

/** The text with the mutation in it, or why it cannot be put there. Pure. */
export function mutated(
  text: string,
  { find, replace, name, file }: Mutation,
): { readonly text: string } | { readonly problem: string } {
  const parts = text.split(find);
  const count = parts.length - 1;
  if (count !== 1)
    return {
      problem: `mutation ${name}: its text is ${count === 0 ? 'not' : `${count} times`} in ${file}, and has to be there once: ${JSON.stringify(find.trim())}`,
    };
  return { text: parts.join(replace) };
}
