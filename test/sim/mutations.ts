/**
 * Ways to get the product wrong. Each takes one thing away that docs/replication.md relies on; the random runs, or else
 * a test, have to notice (mutations-main.ts). What nobody notices is a hole in the tests.
 */
import { FILES, type Mutation } from './mutation.ts';
import { changingHands } from './mutations-membership.ts';
import { copying } from './mutations-resync.ts';
import { scrubbing } from './mutations-scrub.ts';

const fencing: readonly Mutation[] = [
  {
    name: 'generation-check',
    what: 'A replica takes a primary of any generation, also the one before, over whose link it was promoted.',
    edits: [
      {
        file: FILES.promotion,
        find: `    dropLink();\n    if (first)`,
        replace: `    if (first) dropLink();\n    if (first)`,
      },
      {
        file: FILES.follower,
        find: `if (!('generation' in message) || message.generation !== this.#core.generation) {`,
        replace: `if (!('generation' in message)) {`,
      },
      {
        file: FILES.follower,
        find: `if (hello.generation < generation)`,
        replace: `if (hello.generation < 0)`,
      },
      {
        file: FILES.follower,
        find: `return from !== 0 && hello.generation >= from && isOfThePrimary;`,
        replace: `return from !== 0 && (isOfThePrimary || hello.generation < generation);`,
      },
      {
        file: FILES.follower,
        find: `if (hello.generation === this.#core.generation) {`,
        replace: `if (hello.generation <= this.#core.generation) {`,
      },
    ],
  },
  {
    name: 'frame-generation',
    what: 'A secondary takes frames of any generation. A second guard: its link goes with each change of generation.',
    edits: [
      {
        file: FILES.follower,
        find: `if (!('generation' in message) || message.generation !== this.#core.generation) {`,
        replace: `if (!('generation' in message)) {`,
      },
    ],
  },
  {
    name: 'hello-generation',
    what: 'A hello of an older generation is not refused as such. A second guard: its state refuses it, too.',
    edits: [
      {
        file: FILES.follower,
        find: `if (hello.generation < generation)`,
        replace: `if (hello.generation < 0)`,
      },
    ],
  },
  {
    name: 'lease-wait',
    what: 'A promoted replica serves while the lease that it granted runs.',
    edits: [
      {
        file: FILES.promotion,
        find: `if (leader.primary.adopting || this.#core.nowMs < secondary.leaseGrantedUntilMs) return;`,
        replace: `if (leader.primary.adopting) return;`,
      },
    ],
  },
  {
    name: 'lease-of-an-earlier-life',
    what: 'A secondary that restarts forgets that its earlier life granted a lease.',
    edits: [
      {
        file: FILES.secondary,
        find: `this.leaseGrantedUntilMs = core.nowMs + core.options.leaseMs;`,
        replace: `this.leaseGrantedUntilMs = core.nowMs;`,
      },
    ],
  },
  {
    name: 'lease-from-the-wrong-end',
    what: 'The holder counts its lease from the answer, not from when it asked.',
    edits: [
      {
        file: FILES.leader,
        find: `peer.takeLease(message);`,
        replace: `peer.takeLease({ ...message, askedAtMs: this.#core.nowMs });`,
      },
    ],
  },
  {
    name: 'read-outlives-lease',
    what: 'A read is answered without a look at the lease after the disk gave the bytes.',
    edits: [
      {
        file: FILES.primary,
        find: `else if (this.leaseHolds() && event.data !== undefined)`,
        replace: `else if (event.data !== undefined)`,
      },
    ],
  },
  {
    name: 'read-at-once-without-lease',
    what: 'What is in memory is answered without a look at the lease.',
    edits: [
      {
        file: FILES.replica,
        find: `return this.#leader.primary.mayAnswerReads(nowMs);`,
        replace: `return nowMs > 0 && isPrimaryState(this.state);`,
      },
    ],
  },
  {
    name: 'promoting-forgotten',
    what: 'A replica that restarts while it is promoted does not wait for the lease any more.',
    edits: [{ file: FILES.promotion, find: `promoting: !first,`, replace: `promoting: false,` }],
  },
  {
    name: 'yield-without-stopping',
    what: 'A primary says that it answers nothing any more, and goes on to answer reads.',
    edits: [
      {
        file: FILES.leader,
        find: `    this.#steppingDown = true;
    this.primary.flush(() => {`,
        replace: `    this.#steppingDown = true;
    for (const peer of this.primary.required) {
      const { leaseUntilMs } = peer;
      peer.endLease(this.#core);
      peer.leaseUntilMs = leaseUntilMs;
    }
    this.primary.flush(() => {`,
      },
    ],
  },
];

const acknowledging: readonly Mutation[] = [
  {
    name: 'apply-before-answer',
    what: 'The primary applies a write before the answer of its secondary.',
    edits: [
      {
        file: FILES.primary,
        find: `if (peer.required && write.sequence > peer.ackedSequence) return;`,
        replace: `if (peer.required && write.sequence > peer.ackedSequence) {
        this.#core.write(write, () => undefined);
        return;
      }`,
      },
    ],
  },
  {
    name: 'acknowledge-before-answer',
    what: 'A write is acknowledged without the answer of the secondary.',
    edits: [
      {
        file: FILES.primary,
        find: `if (peer.required && write.sequence > peer.ackedSequence) return;`,
        replace: `void peer;`,
      },
    ],
  },
  {
    name: 'solo-without-consent',
    what: 'While the link is down the primary acknowledges what is in flight without asking control.',
    edits: [
      {
        file: FILES.primary,
        find: `if (peer.required && write.sequence > peer.ackedSequence) return;`,
        replace: `if (peer.required && peer.ready && write.sequence > peer.ackedSequence) return;`,
      },
    ],
  },
  {
    name: 'flush-without-peer',
    what: 'A flush is acknowledged before the secondary has flushed.',
    edits: [
      {
        file: FILES.flush,
        find: `if (round === undefined || !round.localDone || round.missing.size > 0) return;`,
        replace: `if (round === undefined || !round.localDone) return;`,
      },
    ],
  },
  {
    name: 'flush-without-own-disk',
    what: 'A flush is acknowledged before the primary has flushed.',
    edits: [
      {
        file: FILES.flush,
        find: `if (round === undefined || !round.localDone || round.missing.size > 0) return;`,
        replace: `if (round === undefined || round.missing.size > 0) return;`,
      },
    ],
  },
  {
    name: 'checksum-ignored',
    what: 'A payload that does not match its checksum is taken.',
    edits: [{ file: FILES.replica, find: `if (!event.intact) {`, replace: `if (false) {` }],
  },
  {
    name: 'duplicate-delivery',
    what: 'What is in flight is sent again after a reconnect, also what is there, and is taken again, over newer writes.',
    edits: [
      {
        file: FILES.primary,
        find: `if (write.sequence > appliedSequence && write.sequence <= this.#sentSequence) this`,
        replace: `if (write.sequence <= this.#sentSequence) this`,
      },
      {
        file: FILES.secondary,
        find: `    if (!this.#anySequence && sequence <= this.#appliedSequence) return;\n`,
        replace: '',
      },
      {
        file: FILES.secondary,
        find: `if (!this.#anySequence && sequence !== this.#appliedSequence + 1) {`,
        replace: `if (!this.#anySequence && sequence > this.#appliedSequence + 1) {`,
      },
    ],
  },
  {
    name: 'duplicate-refused',
    what: 'A write that is here already is not known for what it is when it is sent again. A second guard: its number is refused, and the link begins anew behind it.',
    edits: [
      {
        file: FILES.secondary,
        find: `    if (!this.#anySequence && sequence <= this.#appliedSequence) return;\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'not-sent-again',
    what: 'What was in flight when the link broke is not sent again.',
    edits: [
      {
        file: FILES.primary,
        find: `      if (write.sequence > appliedSequence && write.sequence <= this.#sentSequence) this.#send(peer, write);\n`,
        replace: `      void write;\n`,
      },
    ],
  },
  {
    name: 'failed-flush-is-a-flush',
    what: 'A secondary whose disk failed a flush answers as if it had flushed.',
    edits: [
      {
        file: FILES.secondary,
        find: `if (failure !== undefined) this.#flushFailed(link, failure);
      else if (this.link === link)`,
        replace: `void failure;
      if (this.link === link)`,
      },
      {
        file: FILES.core,
        find: `if (failure !== undefined) this.#flushFailed(failure);`,
        replace: `void this.#flushFailed;`,
      },
    ],
  },
  {
    name: 'failed-flush-is-tried-again',
    what: 'A primary whose disk failed a flush goes on, and its next flush is believed.',
    edits: [
      {
        file: FILES.core,
        find: `if (failure !== undefined) this.#flushFailed(failure);`,
        replace: `void this.#flushFailed;`,
      },
      {
        file: FILES.flush,
        find: `if (this.#round !== round || failure !== undefined) return;`,
        replace: `if (this.#round !== round) return;
      if (failure !== undefined) {
        this.#round = undefined;
        for (const id of round.waiters.clients) this.#parts.reply(id, { ok: false, failure });
        this.#start();
        return;
      }`,
      },
    ],
  },
  {
    name: 'repair-without-lock',
    what: 'A write is taken to a region while it is repaired from another replica.',
    edits: [{ file: FILES.repair, find: `    primary.locks.add(this.#lock);\n`, replace: '' }],
  },
  {
    name: 'own-stall-ignored',
    what: 'A primary whose disk does nothing for too long keeps the volume.',
    edits: [
      {
        file: FILES.leader,
        find: `if (this.state === 'SERVING' && since !== undefined && this.#core.isStalledSince(since))`,
        replace: `if (this.state === 'SERVING' && since !== undefined && since < 0)`,
      },
    ],
  },
  {
    name: 'peer-stall-ignored',
    what: 'A secondary whose disk does nothing for too long holds the primary up.',
    edits: [{ file: FILES.links, find: `if (this.#isStuck(peer)) {`, replace: `if (false) {` }],
  },
];

export const mutations: readonly Mutation[] = [
  ...fencing,
  ...acknowledging,
  ...copying,
  ...changingHands,
  ...scrubbing,
];
