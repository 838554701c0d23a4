/**
 * Ways to get the layered store wrong. Each takes away one order of writes, syncs and commits that a crash would
 * betray, or one rule of what may stand on what; the crash runs have to notice (mutations-main.ts).
 */
import type { Edit, Mutation } from '../sim/mutation.ts';

const LAYERS = 'daemon/store/layers';
const FILES = {
  files: `${LAYERS}/layer-files.ts`,
  layer: `${LAYERS}/layer.ts`,
  live: `${LAYERS}/live-layers.ts`,
  map: `${LAYERS}/layer-map.ts`,
  merge: `${LAYERS}/merge.ts`,
  records: `${LAYERS}/records.ts`,
  settle: `${LAYERS}/settle.ts`,
  store: `${LAYERS}/layer-store.ts`,
  upkeep: `${LAYERS}/upkeep.ts`,
  volume: `${LAYERS}/layered-volume.ts`,
} as const;

function mutation(
  name: string,
  what: string,
  file: Edit['file'],
  ...edits: (readonly [find: string, replace: string])[]
): Mutation {
  return { name, what, edits: edits.map(([find, replace]) => ({ file, find, replace })) };
}

const entries: readonly Mutation[] = [
  mutation(
    'present-at-once',
    'A region that was just put into a layer is believed after a loss of power.',
    FILES.map,
    [
      'region = this.#setInSector(region, first + count, COMING);',
      'region = this.#setInSector(region, first + count, PRESENT);',
    ],
  ),
  mutation(
    'map-before-data',
    'A flush says that regions are there before their data is.',
    FILES.volume,
    ["  await Promise.all(taken.map(({ layer }) => layer.sync('data')));\n  for", '  for'],
    [
      `      throw error;
    }
  }
  for (const { layer, runs } of taken)
`,
      `      throw error;
    }
  }
  await Promise.all(taken.map(({ layer }) => layer.sync('data')));
  for (const { layer, runs } of taken)
`,
    ],
  ),
  mutation(
    'coming-believed',
    'What was on its way is taken for arrived after a loss of power.',
    FILES.settle,
    ['const isKept = !isDisowned && map.bootId === bootId;', 'const isKept = !isDisowned;'],
  ),
  mutation(
    'coming-doubted',
    'What was on its way is taken back after the death of the process, too.',
    FILES.settle,
    [
      'const isKept = !isDisowned && map.bootId === bootId;\n    try {',
      'const isKept = bootId === String(isDisowned);\n    try {',
    ],
  ),
  mutation(
    'settled-unsynced',
    'After the death of the process regions are said to be there before their data is.',
    FILES.settle,
    ["if (!isDisowned) await Promise.all(kept.map((layer) => layer.sync('data')));", 'void kept;'],
  ),
  mutation(
    'boot-id-first',
    "What a loss of power left gets this boot's id before it is put in order.",
    FILES.settle,
    [
      '    const found = transitional(map);\n',
      `    const before = map.bootId;
    if (before !== bootId) map.renewBootId(bootId);
    await layer.sync('map');
    const found = transitional(map);
`,
    ],
    [
      'const isKept = !isDisowned && map.bootId === bootId;',
      'const isKept = !isDisowned && before === bootId;',
    ],
    ['if (map.bootId === bootId) continue;', 'if (before === bootId) continue;'],
  ),
  mutation(
    'boot-id-of-long-ago',
    'A layer that is opened again has the id of the boot in which it was sealed.',
    FILES.live,
    ['      below.map?.renewBootId(this.#options.bootId);\n', ''],
  ),
  mutation('left-at-once', 'A region leaves the head before it is durable below.', FILES.volume, [
    'head.map?.set(run, LEAVING);',
    'head.map?.set(run, ABSENT);',
  ]),
  mutation(
    'leaves-from-above',
    'A flush lets go of what was moved before it is said to be there below.',
    FILES.volume,
    [
      'for (const { layer, runs } of taken) {\n    if (runs',
      'for (const { layer, runs } of taken.toReversed()) {\n    if (runs',
    ],
  ),
  mutation(
    'room-first',
    'The space of what was moved is given back before the maps say that it was.',
    FILES.volume,
    [
      'for (const run of runs.leaving) layer.map?.set(run, ABSENT);',
      `for (const run of runs.leaving) {
        layer.map?.set(run, ABSENT);
        layer.data.zero({ offset: run.first * regionBytes, length: run.count * regionBytes }, { keepSpace: false });
      }`,
    ],
  ),
  mutation('junk', 'What a layer held of a region before it came to it shows through.', FILES.volume, [
    '    if (data.holdsData(range)) data.zero(range, { keepSpace: false });\n    data.write(part, at);',
    '    data.write(part, at);',
  ]),
  mutation('junk-drained', 'A region of zeroes does not replace what the layer below has.', FILES.volume, [
    '} else if (below.holdsData(range)) below.data.zero(range, { keepSpace: false });',
    '}',
  ]),
];

const flushes: readonly Mutation[] = [
  mutation(
    'late-joiner',
    'A flush that was asked for during another is answered with that one.',
    FILES.volume,
    [
      `    const waiters = this.#flushWaiters;
    this.#flushWaiters = [];
`,
      `    const waiters = this.#flushWaiters;
`,
    ],
    [
      `      for (const waiter of waiters) waiter.done(error);
`,
      `      this.#flushWaiters = [];
      for (const waiter of waiters) waiter.done(error);
`,
    ],
  ),
  mutation('frozen-forgotten', 'A flush leaves out the layers below a new head.', FILES.volume, [
    'const layers = [...this.#frozen, ...this.#open];\n    const [only]',
    'const layers = [...this.#open];\n    const [only]',
  ]),
];

const snapshots: readonly Mutation[] = [
  mutation(
    'snapshot-unflushed',
    'A snapshot is answered before its layer is on stable storage.',
    FILES.store,
    [
      '        await flushed(volume);\n      } catch (error) {',
      '        flushed(volume).catch(() => undefined);\n      } catch (error) {',
    ],
  ),
  mutation(
    'head-first',
    'A volume is written into a new head that no record knows yet.',
    FILES.store,
    [
      `      await this.#records.commit([...changes, { type: 'snapshot', record: begun }]);
`,
      '',
    ],
    [
      `      const frozen = volume.freeze(head);
`,
      `      const frozen = volume.freeze(head);
      await this.#records.commit([...changes, { type: 'snapshot', record: begun }]);
`,
    ],
  ),
  mutation(
    'incomplete-kept',
    'A snapshot that was not complete when the process ended stays.',
    FILES.store,
    ['filter(({ complete, purpose }) => !complete || purpose', 'filter(({ purpose }) => purpose'],
    ['snapshot.volume === volume && snapshot.complete', 'snapshot.volume === volume'],
    ['if (record?.complete !== true) throw', 'if (record === undefined) throw'],
  ),
  mutation('seed-shared', 'A snapshot that ends with its process is cloned and reverted to.', FILES.store, [
    "if (found.record.purpose !== 'kept') throw",
    "if (found.record.purpose !== 'kept' && name === '') throw",
  ]),
];

const structure: readonly Mutation[] = [
  mutation('grown-unflushed', 'A volume is longer by its record before its files are.', FILES.store, [
    '        for (const layer of open) await layer.syncSize();\n',
    '',
  ]),
  mutation('names-unsynced', 'A new layer is recorded before its names are on stable storage.', FILES.files, [
    "      await layer.sync('data');\n      await files.syncFolder(folder);\n      return layer;",
    "      await layer.sync('data');\n      return layer;",
  ]),
  mutation(
    'size-unsynced',
    'A new layer is recorded before the size of its file is on stable storage.',
    FILES.files,
    [
      "      await layer.sync('data');\n      await files.syncFolder(folder);\n      return layer;",
      '      await files.syncFolder(folder);\n      return layer;',
    ],
  ),
  mutation('gone-first', 'The files of a layer go before its record does.', FILES.store, [
    `    await this.#records.commit(changes);
    committed();`,
    `    for (const id of garbage) this.#live.drop(id);
    await this.#records.commit(changes);
    committed();`,
  ]),
  mutation('not-swept', 'Files that no record knows stay after a crash.', FILES.store, [
    'const swept = this.#files.sweep(new Set(this.#records.layers.flatMap(({ id, parent }) => [id, parent])));',
    'const swept: string[] = [];',
  ]),
  mutation('short', 'A layer of when the volume was smaller is opened as it is.', FILES.live, [
    '      below.makeRoom(sizeBytes, this.#options.regionBytes);\n',
    '',
  ]),
];

const background: readonly Mutation[] = [
  mutation('drained-in-two', 'The records of a drained head change in two commits.', FILES.upkeep, [
    "await records.commit([...lower, { type: 'no-layer', id: head.id }]);",
    "await records.commit([{ type: 'no-layer', id: head.id }]);\n    await records.commit(lower);",
  ]),
  mutation('merged-unsynced', 'A merge is recorded before its data is on stable storage.', FILES.merge, [
    "    await this.#target.sync('data');\n    if (this.#record.summed)",
    '    if (this.#record.summed)',
  ]),
  mutation('merged-in-two', 'The records of a merge change in two commits.', FILES.merge, [
    '    await records.commit(changes);\n    kept.parent',
    '    for (const change of changes) await records.commit([change]);\n    kept.parent',
  ]),
  mutation(
    'merge-junk',
    'What the upper layer held of regions that it did not show is shown once it is the bottom.',
    FILES.merge,
    ['if (kept === upper && isBottom) await this.#becomeBottom();', ''],
  ),
  mutation('merge-goes-on', 'A merge that was called off goes on where it was.', FILES.upkeep, [
    "    if (changes.some(({ type }) => type === 'no-merge')) this.#merge = undefined;\n",
    '',
  ]),
  mutation(
    'sums-unsynced',
    'Checksums are said to be complete before they are on stable storage.',
    FILES.upkeep,
    ['        await sums.sync();\n', ''],
  ),
  mutation('sums-kept', 'A layer that is written again keeps the checksums of what it was.', FILES.records, [
    'record: { ...record, sealed: false, summed: false }',
    'record: { ...record, sealed: false }',
  ]),
];

const faults: readonly Mutation[] = [
  {
    name: 'failed-sync-forgotten',
    what: 'A flush that follows one that failed is acknowledged.',
    edits: [
      {
        file: FILES.layer,
        find: 'if (failure === undefined) synced',
        replace: 'if (failure === undefined || failure.name !== "") synced',
      },
      {
        file: FILES.volume,
        find: ': this.#failure;\n    if (refused',
        replace: ': undefined;\n    if (refused',
      },
    ],
  },
  mutation('failure-untold', 'A volume gets over a failed sync that nobody was told of.', FILES.volume, [
    'this.hasFailed && this.#isFailureTold && !this.#isFlushing',
    'this.hasFailed && !this.#isFlushing',
  ]),
  mutation(
    'believed-after-failure',
    'After the death of a process whose sync failed, what was on its way is believed.',
    FILES.volume,
    ['    disown([...this.#frozen, ...this.#open]);\n', ''],
  ),
  mutation('entries-lost', 'Entries whose sync failed pass for durable in the page cache.', FILES.volume, [
    '      if (layer.map !== undefined) unsettle(layer.map, runs);\n',
    '',
  ]),
  mutation(
    'snapshot-of-lost',
    'A snapshot is taken of what a failed sync may have lost.',
    FILES.store,
    ['    if (asked?.hasFailed === true) throw mayBeLost(name);\n', ''],
    ['if (volume.hasFailed || volume.failures !== failures) throw', 'if (failures === -1) throw'],
  ),
  mutation('merge-leaves-out', 'A merge goes on behind the region that failed.', FILES.upkeep, [
    '      this.#merge = undefined;\n      const isDamaged',
    '      const isDamaged',
  ]),
  mutation('sums-leave-out', 'Checksums go on behind the region that failed.', FILES.upkeep, [
    '      this.#endSum();\n      if (layer',
    '      if (layer',
  ]),
  mutation('ended-first', 'A volume whose end cannot be recorded is closed.', FILES.store, [
    '      let ended: Promise<void> | undefined;\n',
    '      let ended: Promise<void> | undefined;\n      this.#volumes.delete(name);\n',
  ]),
  {
    name: 'opened-late',
    what: 'A layer is made ready to be written only after it is recorded as open.',
    edits: [
      {
        file: FILES.store,
        find: '    await this.#records.commit(changes);\n    committed();',
        replace: '    committed();',
      },
      {
        file: FILES.store,
        find: '    this.#live.readyToOpen(',
        replace: '    await this.#records.commit(changes);\n    this.#live.readyToOpen(',
      },
    ],
  },
];

export const mutations: readonly Mutation[] = [
  ...entries,
  ...faults,
  ...flushes,
  ...snapshots,
  ...structure,
  ...background,
];
