/** What can be got wrong where the primary or the in-sync set changes. */
import { FILES, type Mutation } from './mutation.ts';

export const changingHands: readonly Mutation[] = [
  {
    name: 'promote-joining',
    what: 'A joining replica is promoted by a generation that it is no candidate of. A second guard: control does not choose it.',
    edits: [
      {
        file: FILES.promotion,
        find: `const candidate = state === 'JOINING' && durable.candidateFor === view.generation - 1;`,
        replace: `const candidate = state === 'JOINING';`,
      },
    ],
  },
  {
    name: 'control-promotes-joining',
    what: 'Control chooses a replica that is still copied to, and that lets itself be chosen.',
    edits: [
      {
        file: FILES.promotion,
        find: `const candidate = state === 'JOINING' && durable.candidateFor === view.generation - 1;`,
        replace: `const candidate = state === 'JOINING';`,
      },
      {
        file: FILES.successor,
        find: `  return record.inSync
    .filter((host) => host !== record.primary)`,
        replace: `  return record.replicas
    .filter((host) => host !== record.primary)`,
      },
      {
        file: FILES.successor,
        find: '  if (!record.inSync.includes(host)) return `${host} does not hold every acknowledged write`;\n',
        replace: '',
      },
      {
        file: FILES.successor,
        find: `const isCandidate = replica.candidateFor === record.generation;`,
        replace: `const isCandidate = replica.state === 'JOINING';`,
      },
    ],
  },
  {
    name: 'copied-to-while-larger',
    what: 'A target is copied to by a primary that is smaller, which never learns what the target has beyond its end.',
    edits: [
      {
        file: FILES.follower,
        find: `hello.intent === 'join' ? hello.sizeBytes !== sizeBytes : hello.sizeBytes > sizeBytes`,
        replace: `hello.sizeBytes > sizeBytes`,
      },
    ],
  },
  {
    name: 'candidate-rule',
    what: 'Control is not told that a joining replica is a candidate, and leaves the only copy alone.',
    edits: [{ file: FILES.replica, find: `? persisted.candidateFor : 0`, replace: `? 0 : 0` }],
  },
  {
    name: 'recover-without-pull',
    what: 'A restarted primary serves without what only its secondary holds.',
    edits: [
      {
        file: FILES.recovery,
        find: `this.#core.send(pull.link, { type: 'pull', generation: this.#core.generation });`,
        replace: `pull.sentUpTo = this.#applied.get(pull.peer);
      this.progress();`,
      },
    ],
  },
  {
    name: 'pull-forgotten',
    what: 'A primary of three that began to pull and died does not know any more from whom.',
    edits: [
      {
        file: FILES.recovery,
        find: `else this.#core.persist({ pulledFrom: pull.peer.host }, ask);`,
        replace: `else ask();`,
      },
    ],
  },
  {
    name: 'unstable-left-out',
    what: 'A secondary does not note what was written since both sides were last stable.',
    edits: [
      {
        file: FILES.secondary,
        find: `this.#unstable.written(firstRegion(range), lastRegion(range), sequence);`,
        replace: `void firstRegion, lastRegion;`,
      },
    ],
  },
  {
    name: 'reboot-forgotten',
    what: 'A machine that lost power counts as one that holds what it had.',
    edits: [
      {
        file: FILES.core,
        find: `return !this.#durable.blank && this.#durable.bootId !== this.options.bootId;`,
        replace: `return false;`,
      },
    ],
  },
  {
    name: 'rebooted-goes-on-alone',
    what: 'Control lets a primary that may lack writes go on without the one that has them.',
    edits: [
      {
        file: FILES.propose,
        find: `const keeper = proposal.hostRebooted ?`,
        replace: `const keeper = proposal.hostRebooted && removed.length > 1000 ?`,
      },
    ],
  },
  {
    name: 'asking-forgotten',
    what: 'A restarted primary does not find out what became of the last proposal of the life before.',
    edits: [
      {
        file: FILES.recovery,
        find: `const isDecided = this.#core.durable.asking === '';`,
        replace: `const isDecided = true;`,
      },
    ],
  },
  {
    name: 'serve-again-while-asking',
    what: 'A primary that stepped down serves again without finding out what became of its last proposal.',
    edits: [
      {
        file: FILES.leader,
        find: `const isUndecided = this.#core.durable.asking !== '';`,
        replace: `const isUndecided = false;`,
      },
    ],
  },
  {
    name: 'view-not-durable',
    what: 'A primary acts by a view before it is durable.',
    edits: [
      {
        file: FILES.leader,
        find: `    this.#core.persist(
      change,
      () => {
        if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')`,
        replace: `    this.#core.persist(change, () => undefined, maps);
    [view].forEach(
      () => {
        if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')`,
      },
    ],
  },
  {
    name: 'promotion-not-durable',
    what: 'A promoted replica serves before it is durable that it is primary. Few seeds find it: a restart that finds the old view is promoted again by the same decision, and compares with everybody.',
    edits: [
      {
        file: FILES.promotion,
        find: `if (leader.primary.adopting || this.#core.nowMs < secondary.leaseGrantedUntilMs) return;`,
        replace: `if (this.#core.nowMs < secondary.leaseGrantedUntilMs) return;`,
      },
    ],
  },
  {
    name: 'resume-another-process',
    what: 'A secondary whose process restarted goes on as if it had not. A second guard: it is behind what it answered.',
    edits: [
      {
        file: FILES.follower,
        find: `        hello.peerIncarnation === options.incarnation &&
        hello.incarnation === this.secondary.primaryIncarnation &&
        this.secondary.unstableKnown;`,
        replace: `true;`,
      },
    ],
  },
  {
    name: 'stale-record-accepted',
    what: 'A control store that came back older decides as if nothing had been decided since, although a host was told more. Mostly that host holds it, too: the seeds have one that died before it kept what it was told.',
    edits: [
      {
        file: FILES.catchUp,
        find: `if (!isUnconfirmed || isConfirmed(record, hosts)) return undefined;`,
        replace: `if (record.generation > 0) return undefined;`,
      },
    ],
  },
  {
    name: 'newer-view-ignored',
    what: 'A view that a replica holds, and the control store lost, is not taken over.',
    edits: [
      {
        file: FILES.catchUp,
        find: `if (claim === undefined) return { kind: 'current' };`,
        replace: `if (claim === undefined || generation > 0) return { kind: 'current' };`,
      },
    ],
  },
];
