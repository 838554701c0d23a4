import t from 'tap';
import {
  busyShare,
  clipped,
  type CpuProfile,
  nameOf,
  placeOf,
  selfTimes,
} from '../../bench/lib/speed/cpu-profile.ts';
import { flameGraph } from '../../bench/lib/speed/flame-graph.ts';

const frame = (
  functionName: string,
  url = '',
  lineNumber = -1,
): CpuProfile['nodes'][number]['callFrame'] => ({
  functionName,
  url,
  lineNumber,
});

/** main calls write and read, read calls write too; a sample each 100 us from 1,000 on. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 7] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('main', 'file:///app/daemon/main.ts', 9), children: [4, 5] },
    { id: 4, callFrame: frame('write', 'file:///app/daemon/store/store.ts', 41) },
    { id: 5, callFrame: frame('read<T>', 'file:///app/daemon/nbd/read.ts', 0), children: [6] },
    { id: 6, callFrame: frame('write', 'file:///app/daemon/store/store.ts', 41) },
    { id: 7, callFrame: frame('(program)') },
  ],
  startTime: 1000,
  endTime: 2000,
  samples: [2, 3, 4, 4, 5, 6, 6, 6, 7, 2],
  timeDeltas: [100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
};

t.test('a function has its own time wherever it is called from, the most first', async (t) => {
  t.strictSame(
    selfTimes(profile).map(({ frame: { functionName }, us }) => [functionName, us]),
    [
      ['write', 500],
      ['main', 100],
      ['read<T>', 100],
    ],
  );
});

t.test('idle and native time is not busy', async (t) => {
  t.equal(busyShare(profile), 0.7);
});

t.test('what was before and behind the load is cut away', async (t) => {
  const part = clipped(profile, 1250, 1650);
  t.strictSame(part.samples, [4, 4, 5, 6]);
  t.strictSame(part.timeDeltas, [50, 100, 100, 100]);
  t.match(part, { startTime: 1250, endTime: 1650 });
});

t.test('a place is a file of the product and its line as editors count', async (t) => {
  t.equal(
    placeOf(frame('write', 'file:///app/daemon/store/store.ts', 41), '/app'),
    'daemon/store/store.ts:42',
  );
  t.equal(placeOf(frame('x', 'file:///lib/node_modules/pg/a.js', 0), '/app'), 'node_modules/pg/a.js:1');
  t.equal(placeOf(frame('writeSync', 'node:fs', 6), '/app'), 'node:fs:7');
  t.equal(placeOf(frame('(garbage collector)'), '/app'), '');
  t.equal(nameOf(frame('')), '(anonymous)');
});

interface Box {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

function boxesOf(svg: string): readonly Box[] {
  const pattern = /<g><title>(.*?)<\/title><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g;
  return [...svg.matchAll(pattern)].map(([, title = '', x, y, width]) => ({
    title,
    x: Number(x),
    y: Number(y),
    width: Number(width),
  }));
}

t.test(
  'a box is as wide as its function and what it called, beside its siblings, on its caller',
  async (t) => {
    const boxes = boxesOf(flameGraph(profile, 'a title', '/app'));
    t.strictSame(
      boxes.map(({ title }) => title),
      [
        '(root), 100.0 %',
        'main, daemon/main.ts:10, 100.0 %',
        'read&lt;T>, daemon/nbd/read.ts:1, 57.1 %',
        'write, daemon/store/store.ts:42, 42.9 %',
        'write, daemon/store/store.ts:42, 28.6 %',
      ],
    );
    const [root, main, read, inRead, write] = boxes;
    if (!root || !main || !read || !inRead || !write) throw new Error('a box is missing');
    t.ok(root.y > main.y && main.y > read.y && read.y > inRead.y, 'callers are below');
    t.equal(write.y, read.y);
    t.equal(inRead.x, read.x);
    t.ok(Math.abs(read.x + read.width - write.x) < 0.2, 'siblings touch');
    t.ok(Math.abs(read.width / root.width - 4 / 7) < 0.001, 'its own and its child’s time');
  },
);

t.test('a profile of nothing but idle time is an empty graph', async (t) => {
  const idle = { ...profile, samples: [2, 2], timeDeltas: [100, 100] };
  t.strictSame(boxesOf(flameGraph(idle, 'idle', '/app')), []);
});
