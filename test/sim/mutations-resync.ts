/** What can be got wrong where a replica is copied to. */
import { FILES, type Mutation } from './mutation.ts';

export const copying: readonly Mutation[] = [
  {
    name: 'write-into-copy',
    what: 'A write is taken to a region that is being read for a copy.',
    edits: [
      {
        file: FILES.primary,
        find: `    for (const lock of this.locks) if (overlaps(lock, range)) return false;\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'copy-into-write',
    what: 'A region is read for a copy while a write to it is in flight.',
    edits: [
      {
        file: FILES.join,
        find: `return !this.#primary.overlapsInflight(this.#lock);`,
        replace: `return true;`,
      },
    ],
  },
  {
    name: 'inflight-left-out',
    what: 'A target that is copied to never gets the writes that were in flight when its snapshot was taken.',
    edits: [
      {
        file: FILES.join,
        find: `    this.#written.addAll(parts.primary.inflightRegions());\n`,
        replace: '',
      },
    ],
  },
  {
    name: 'changed-since-snapshot-left-out',
    what: 'What was written between the snapshot and the hello of the target is not copied anew.',
    edits: [{ file: FILES.join, find: `if (!this.#isLive) this.#written.add(region);`, replace: '' }],
  },
  {
    name: 'union-left-out',
    what: 'What the target wrote without the source is not copied back.',
    edits: [
      {
        file: FILES.join,
        find: `const regions = RegionSet.fromBitmap(this.#core.sizeBytes / REGION_BYTES, ownChanges);`,
        replace: `const regions = new RegionSet(0);`,
      },
    ],
  },
  {
    name: 'unstable-not-tracked',
    what: 'The dirty map of a replica that leaves the set begins empty, without what both were not yet stable in.',
    edits: [
      {
        file: FILES.removed,
        find: `const regions = primary.unstable.regions();`,
        replace: `const regions: number[] = [];`,
      },
    ],
  },
  {
    name: 'data-before-mark',
    what: 'Data is written and sent before its mark in the dirty map is durable.',
    edits: [
      { file: FILES.dirty, find: `if (this.#underWay.size === 0) return true;`, replace: `return true;` },
    ],
  },
  {
    name: 'cleared-without-flush',
    what: 'A region is taken from the dirty map before the target has flushed it.',
    edits: [
      {
        file: FILES.cleaning,
        find: `if (this.#flush !== flush || !flush.localDone || !flush.peerDone) return;`,
        replace: `if (this.#flush !== flush || !flush.localDone) return;`,
      },
    ],
  },
  {
    name: 'cleared-under-a-write',
    what: 'A region is taken from the dirty map while a write to it is in flight.',
    edits: [
      {
        file: FILES.cleaning,
        find: `const inFlight = new Set(this.#primary.inflightRegions());`,
        replace: `const inFlight = new Set<Region>();`,
      },
      {
        file: FILES.cleaning,
        find: `    this.#copied.delete(region);
    this.#flush?.regions.delete(region);\n`,
        replace: `    void region;\n`,
      },
    ],
  },
  {
    name: 'cleaning-outlives-its-copy',
    what: 'A flush that was begun for a copy clears the dirty map after the copy broke off.',
    edits: [{ file: FILES.join, find: `    this.#cleaning.abandon();\n`, replace: '' }],
  },
  {
    name: 'copy-begins-before-the-union',
    what: 'The target is told to forget its own changes before the source has them on stable storage.',
    edits: [
      {
        file: FILES.join,
        find: `    this.#persistEntry(entry, map, () => {`,
        replace: `    this.#persistEntry(entry, map, () => undefined);
    [entry].forEach(() => {`,
      },
    ],
  },
  {
    name: 'distrust-ignored',
    what: 'A target whose disk failed is compared with, although what it reads may not be what it holds.',
    edits: [{ file: FILES.join, find: `const compare = !distrusted;`, replace: `const compare = true;` }],
  },
  {
    name: 'incomplete-looks-complete',
    what: 'A copy that broke off looks like a complete replica after a restart.',
    edits: [
      {
        file: FILES.follower,
        find: `const change = { view, complete: false, candidateFor: 0, asking: '', promoting: false };
    this.#core.persist(change, () => {`,
        replace: `const change = { view, complete: true, candidateFor: 0, asking: '', promoting: false };
    this.#core.persist(change, () => {`,
      },
    ],
  },
  {
    name: 'fallback-left-out',
    what: 'What a copy overwrites is not kept first.',
    edits: [
      {
        file: FILES.secondary,
        find: `if (next === undefined || !fallback.isNeeded) return false;`,
        replace: `if (next === undefined || fallback.isNeeded) return false;`,
      },
    ],
  },
  {
    name: 'fallback-dropped-early',
    what: 'A copy that goes on where it broke off drops what was kept of the time before.',
    edits: [
      {
        file: FILES.secondary,
        find: `if (!durable.mixed) this.fallback.drop();`,
        replace: `this.fallback.drop();`,
      },
    ],
  },
  {
    name: 'asking-without-obeying',
    what: 'While control is asked to take the target in, writes do not wait for the target.',
    edits: [{ file: FILES.join, find: `this.peer.required = true;`, replace: `this.peer.required = false;` }],
  },
  {
    name: 'asking-not-durable',
    what: 'Control is asked before it is durable that it is asked.',
    edits: [
      {
        file: FILES.join,
        find: `this.#core.persist({ asking: this.peer.host }, () => {`,
        replace: `[this.peer.host].forEach(() => {`,
      },
    ],
  },
  {
    name: 'candidate-not-durable',
    what: 'A target says that it is a candidate before that is durable.',
    edits: [
      {
        file: FILES.follower,
        find: `    this.#core.persist(change, () => {
      this.secondary.fallback.drop();`,
        replace: `    [change].forEach(() => {
      this.secondary.fallback.drop();`,
      },
    ],
  },
];
