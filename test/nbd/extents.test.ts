import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Extent } from '../../daemon/nbd/block.ts';
import { allocationFlags, contentsOf, descriptorsOf } from '../../daemon/nbd/extents.ts';
import { READ_CHUNKS, STATUS_DESCRIPTORS } from '../../daemon/nbd/limits.ts';

/** Extents that cover the range, and perhaps more on both sides. */
const scene = fc
  .record({
    lengths: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 200 }),
    kinds: fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }),
    from: fc.nat(100),
    to: fc.nat(100),
  })
  .map(({ lengths, kinds, from, to }) => {
    let offset = 1000;
    const extents = lengths.map((length, index): Extent => {
      const extent = { offset, length, kind: kinds[index] === true ? 'hole' : 'data' } as const;
      offset += length;
      return extent;
    });
    const total = offset - 1000;
    const start = 1000 + Math.floor(((total - 1) * Math.min(from, to)) / 101);
    const end = Math.max(start + 1, 1000 + Math.floor((total * Math.max(from, to)) / 100));
    return { extents, range: { offset: start, length: end - start } };
  });

const isHoleAt = (extents: readonly Extent[], at: number): boolean =>
  extents.some(({ offset, length, kind }) => kind === 'hole' && at >= offset && at < offset + length);

t.test('descriptors say of every byte what its extent is, and neighbours differ', async () => {
  fc.assert(
    fc.property(scene, ({ extents, range }) => {
      const descriptors = descriptorsOf(range, extents, allocationFlags, { onlyOne: false });
      let at = range.offset;
      for (let index = 0; index < descriptors.length; index += 2) {
        const [length = 0, flags = 0] = descriptors.slice(index, index + 2);
        ok(length > 0);
        ok(flags !== descriptors[index - 1] || index === 0);
        for (const end = at + length; at < end; at += 1) deepStrictEqual(flags === 3, isHoleAt(extents, at));
      }
      deepStrictEqual(at, range.offset + range.length);
    }),
  );
});

t.test('REQ_ONE is one descriptor within the range', async () => {
  fc.assert(
    fc.property(scene, ({ extents, range }) => {
      const descriptors = descriptorsOf(range, extents, allocationFlags, { onlyOne: true });
      deepStrictEqual(descriptors.length, 2);
      ok((descriptors[0] ?? 0) > 0 && (descriptors[0] ?? 0) <= range.length);
    }),
  );
});

t.test('many extents are told in part, and no more of them are looked up', async (t) => {
  let lookedUp = 0;
  function* endless(): Generator<Extent> {
    for (let offset = 0; ; offset += 1, lookedUp += 1)
      yield { offset, length: 1, kind: offset % 2 === 0 ? 'data' : 'hole' };
  }
  const descriptors = descriptorsOf({ offset: 0, length: 1e9 }, endless(), allocationFlags, {
    onlyOne: false,
  });
  t.equal(descriptors.length, 2 * STATUS_DESCRIPTORS);
  t.ok(lookedUp <= STATUS_DESCRIPTORS + 1);
});

t.test('a backend that says nothing of a range has told that it is data', async (t) => {
  t.strictSame(descriptorsOf({ offset: 5, length: 7 }, [], allocationFlags, { onlyOne: false }), [7, 0]);
});

t.test('what was read in parts is what was read', async () => {
  fc.assert(
    fc.property(scene, ({ extents, range }) => {
      const data = Buffer.alloc(range.length);
      for (let at = 0; at < range.length; at += 1)
        if (!isHoleAt(extents, range.offset + at)) data[at] = 1 + (at % 255);
      const contents = contentsOf(range, data, extents);
      if (contents === undefined) {
        for (let at = 0; at < range.length; at += 1) ok(!isHoleAt(extents, range.offset + at));
        return;
      }
      ok(contents.length <= READ_CHUNKS);
      let at = range.offset;
      for (const part of contents) {
        deepStrictEqual(part.offset, at);
        ok(part.length > 0);
        const expected = data.subarray(at - range.offset, at - range.offset + part.length);
        deepStrictEqual(part.data ?? Buffer.alloc(part.length), expected);
        at += part.length;
      }
      deepStrictEqual(at, range.offset + range.length);
    }),
  );
});

t.test('a read full of holes is told in a bounded number of chunks', async (t) => {
  const extents = Array.from({ length: 500 }, (_, index): Extent => {
    return { offset: index * 10, length: 10, kind: index % 2 === 0 ? 'data' : 'hole' };
  });
  const contents = contentsOf({ offset: 0, length: 5000 }, Buffer.alloc(5000), extents) ?? [];
  t.ok(contents.length <= READ_CHUNKS && contents.length > READ_CHUNKS - 5, String(contents.length));
  t.equal(
    contents.reduce((sum, { length }) => sum + length, 0),
    5000,
  );
});
