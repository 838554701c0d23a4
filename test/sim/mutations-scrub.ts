/** What can be got wrong where replicas are compared while clients write. */
import { FILES, type Mutation } from './mutation.ts';

export const scrubbing: readonly Mutation[] = [
  {
    name: 'scrub-into-write',
    what: 'A region is compared while a write to it is in flight.',
    edits: [
      {
        file: FILES.scrub,
        find: `      if (!this.#parts.primary.isQuiet(this.#step.lock)) return;\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'write-into-scrub',
    what: 'A write is taken to a region that a scrub is reading.',
    edits: [
      {
        file: FILES.scrub,
        find: `      this.#parts.primary.locks.add(this.#step.lock);\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'write-into-scrub-repair',
    what: 'A write is taken to a region that a scrub has read to repair another replica with, and has not sent.',
    edits: [
      {
        file: FILES.scrub,
        find: `this.#parts.primary.locks.add(this.#step.lock);`,
        replace: `if (this.#step.type !== 'copy') this.#parts.primary.locks.add(this.#step.lock);`,
      },
    ],
  },
  {
    name: 'scrub-into-repair',
    what: 'A region is compared while it is being written anew.',
    edits: [
      {
        file: FILES.primary,
        find: `      if (overlaps(other, lock)) return false;\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'scrub-believes-the-unproven',
    what: 'A replica whose bytes no checksum proves is believed before one whose bytes are proven.',
    edits: [
      {
        file: FILES.verdict,
        find: `sides.filter(({ soundness }) => soundness === 'intact')`,
        replace: `sides.filter(({ soundness }) => soundness === 'unknown')`,
      },
    ],
  },
  {
    name: 'scrub-believes-the-damaged',
    what: 'A checksum that does not fit is not looked at.',
    edits: [
      {
        file: FILES.verdict,
        find: `(side) => side.soundness === 'damaged' || side.equal !== source.equal`,
        replace: `(side) => side.equal !== source.equal`,
      },
      {
        file: FILES.verdict,
        find: `if (damaged.length === 0) return`,
        replace: `if (damaged.length < 9) return`,
      },
    ],
  },
  {
    name: 'scrub-takes-holes-for-granted',
    what: 'What is a hole at the primary is not looked at on the others.',
    edits: [
      {
        file: FILES.secondary,
        find: `count: event.areHoles ? event.count : 0`,
        replace: `count`,
      },
    ],
  },
  {
    name: 'scrub-outlives-link',
    what: 'A scrub waits for answers over a link that is gone.',
    edits: [{ file: FILES.leader, find: `    this.scrub.fail(why);\n`, replace: '' }],
  },
  {
    name: 'scrub-leaves-region-out',
    what: 'What other replicas have where the primary has a hole is compared, and the next region is not.',
    edits: [
      {
        file: FILES.scrubList,
        find: `this.#stretches.push({ first: next, end: first + count, dataEnd: next + 1 });`,
        replace: `this.#stretches.push({ first: next, end: next + 1, dataEnd: next + 1 });`,
      },
    ],
  },
];
