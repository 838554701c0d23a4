/** RegionSet against a Set of numbers, around the edges of bytes, of chunks and of the volume. */
import fc from 'fast-check';
import t from 'tap';
import { RegionSet } from '../../daemon/replication/region-set.ts';
import { CHUNK_REGIONS } from '../../daemon/replication/units.ts';

/** Of a volume: none is a multiple of 8 but where a chunk ends. */
const count = fc.constantFrom(
  1,
  7,
  9,
  CHUNK_REGIONS - 1,
  CHUNK_REGIONS,
  CHUNK_REGIONS + 1,
  2 * CHUNK_REGIONS + 13,
);
const edges = [0, 7, 8, CHUNK_REGIONS, 2 * CHUNK_REGIONS].flatMap((at) => [at - 1, at, at + 1]);
const someRegion = fc.oneof(fc.constantFrom(...edges), fc.nat(2 * CHUNK_REGIONS + 12));
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), region: someRegion }),
  fc.record({ kind: fc.constant('delete' as const), region: someRegion }),
  fc.record({ kind: fc.constant('addAll' as const), regions: fc.array(someRegion, { maxLength: 20 }) }),
);

const sorted = (regions: Iterable<number>): number[] => [...regions].sort((a, b) => a - b);

/** Both after the same steps; the steps' own answers have been compared. */
function both(regions: number, steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  const set = new RegionSet(regions);
  const oracle = new Set<number>();
  const isInside = (region: number): boolean => region >= 0 && region < regions;
  for (const one of steps) {
    if (one.kind === 'addAll') {
      const inside = one.regions.filter(isInside);
      set.addAll(inside);
      for (const region of inside) oracle.add(region);
    } else if (isInside(one.region)) {
      const was = oracle.has(one.region);
      const changed = one.kind === 'add' ? set.add(one.region) : set.delete(one.region);
      if (changed !== (one.kind === 'add' ? !was : was)) throw new Error(`${one.kind} ${String(one.region)}`);
      if (one.kind === 'add') oracle.add(one.region);
      else oracle.delete(one.region);
    }
    if (set.size !== oracle.size) throw new Error('size');
  }
  return { set, oracle };
}

function holds(property: (set: RegionSet, oracle: ReadonlySet<number>) => boolean): void {
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(count, steps, (regions, steps) => {
      const { set, oracle } = both(regions, steps);
      return property(set, oracle);
    }),
  );
}

const isSame = (set: RegionSet, oracle: ReadonlySet<number>): boolean =>
  set.size === oracle.size && JSON.stringify([...set]) === JSON.stringify(sorted(oracle));

t.test('it has what was added and not deleted since, and names it in order', async (t) => {
  holds((set, oracle) => {
    for (let region = -1; region <= set.regions; region++)
      if (set.has(region) !== oracle.has(region)) return false;
    return isSame(set, oracle);
  });
  t.pass();
});

t.test('a bitmap has bit r & 7 of byte r >> 3 for region r, and makes the same set again', async (t) => {
  holds((set, oracle) => {
    const bits = set.bitmap();
    if (bits.length !== Math.ceil(set.regions / 8)) return false;
    for (let region = 0; region < bits.length * 8; region++) {
      const isSet = (((bits[Math.floor(region / 8)] ?? 0) >> (region % 8)) & 1) === 1;
      if (isSet !== oracle.has(region)) return false;
    }
    return isSame(RegionSet.fromBitmap(set.regions, bits), oracle);
  });
  t.pass();
});

t.test('a copy has the same regions, and goes its own way from then on', async (t) => {
  holds((set, oracle) => {
    const copy = RegionSet.copyOf(set);
    const isCopy = isSame(copy, oracle);
    copy.fill();
    return isCopy && copy.size === set.regions && isSame(set, oracle);
  });
  t.pass();
});

t.test('what is done to a bitmap that it gave away does not change it', async (t) => {
  holds((set, oracle) => {
    set.bitmap().fill(255);
    for (const { bits } of set.chunks()) bits.fill(255);
    return isSame(set, oracle);
  });
  t.pass();
});

t.test(
  'its chunks are those that hold a region, each at its place, and make the same set again',
  async (t) => {
    holds((set, oracle) => {
      const chunks = set.chunks();
      const places = new Set(sorted(oracle).map((region) => Math.floor(region / CHUNK_REGIONS)));
      if (JSON.stringify(chunks.map(({ at }) => at)) !== JSON.stringify([...places])) return false;
      for (const { at, bits } of chunks) {
        if (bits.length !== CHUNK_REGIONS / 8) return false;
        for (let bit = 0; bit < CHUNK_REGIONS; bit++) {
          const isSet = (((bits[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & 1) === 1;
          if (isSet !== oracle.has(at * CHUNK_REGIONS + bit)) return false;
        }
      }
      return isSame(RegionSet.fromChunks(set.regions, chunks), oracle);
    });
    t.pass();
  },
);

t.test('one chunk is the bits of its regions, and is there when it is all clean', async (t) => {
  const set = new RegionSet(CHUNK_REGIONS + 3);
  set.add(CHUNK_REGIONS - 1);
  set.add(CHUNK_REGIONS + 2);
  t.equal(set.chunk(0).bits.at(-1), 128);
  t.equal(set.chunk(1).bits[0], 4);
  set.delete(CHUNK_REGIONS + 2);
  t.strictSame(set.chunk(1), { at: 1, bits: new Uint8Array(CHUNK_REGIONS / 8) });
});

t.test(
  'bits beyond the end of the volume are no regions, and bytes that are missing are clean',
  async (t) => {
    fc.assert(
      fc.property(count, fc.uint8Array({ maxLength: 2 * CHUNK_REGIONS }), (regions, bitmap) => {
        const set = RegionSet.fromBitmap(regions, bitmap);
        const oracle = new Set<number>();
        for (let region = 0; region < regions; region++)
          if ((((bitmap[Math.floor(region / 8)] ?? 0) >> (region % 8)) & 1) === 1) oracle.add(region);
        return isSame(set, oracle);
      }),
    );
    const beyond = { at: 1, bits: new Uint8Array(CHUNK_REGIONS / 8).fill(255) };
    t.strictSame([...RegionSet.fromChunks(CHUNK_REGIONS + 2, [beyond])], [CHUNK_REGIONS, CHUNK_REGIONS + 1]);
  },
);

t.test('a full set has each region of the volume and no other', async (t) => {
  for (const regions of [1, 7, 8, 9, CHUNK_REGIONS + 1]) {
    const set = new RegionSet(regions);
    set.fill();
    t.strictSame(
      [...set],
      Array.from({ length: regions }, (_unused, region) => region),
    );
    t.equal(set.size, regions);
  }
});

t.test('a set grows with its volume', async () => {
  const regions = fc.array(fc.nat(3 * CHUNK_REGIONS), { maxLength: 40 });
  fc.assert(
    fc.property(count, regions, (size, added) => {
      const set = new RegionSet(size);
      set.addAll(added);
      const largest = Math.max(size, ...added.map((region) => region + 1));
      const again = RegionSet.fromBitmap(largest, set.bitmap());
      return set.regions === largest && isSame(set, new Set(added)) && isSame(again, new Set(added));
    }),
  );
});
