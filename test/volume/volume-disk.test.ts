/** What the machine asks of its disk, where order matters. */
import t from 'tap';
import type { ReplicaEvent } from '../../daemon/replication/interface.ts';
import type { Fallback } from '../../daemon/store/fallback.ts';
import type { Store } from '../../daemon/store/store.ts';
import { VolumeDisk } from '../../daemon/volume/volume-disk.ts';
import { quietLog } from '../support/quiet-log.ts';

function diskWith(fallback: Partial<Fallback>, store: Partial<Store> = {}) {
  const answers: ReplicaEvent[] = [];
  const failures: unknown[] = [];
  const disk = new VolumeDisk(
    { store: store as Store, fallback: fallback as Fallback },
    {
      volume: 'v',
      log: quietLog,
      congestedLink: () => undefined,
      answer: (event) => answers.push(event),
      dropFailed: (error) => failures.push(error),
    },
  );
  return { disk, answers, failures };
}

t.test('what is persisted behind a drop waits for it, and what was before does not', async (t) => {
  const gone = Promise.withResolvers<undefined>();
  const { disk, answers } = diskWith({ drop: () => gone.promise });
  await disk.dropped;
  disk.perform({ type: 'drop-fallback' });
  let persisted = false;
  const waiting = disk.dropped.then(() => {
    persisted = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(persisted);
  gone.resolve(undefined);
  await waiting;
  t.strictSame(answers, [], 'a drop is not answered');
});

t.test('a drop that fails is told, since what is kept would be taken for that of a later copy', async (t) => {
  const { disk, failures } = diskWith({ drop: () => Promise.reject(new Error('EROFS')) });
  disk.perform({ type: 'drop-fallback' });
  await disk.dropped;
  t.match(failures, [{ message: 'EROFS' }]);
});

t.test('a region that cannot be kept is answered as a failure of the disk', async (t) => {
  const { disk, answers } = diskWith({
    preserve: (regions, done) => {
      done(regions.length > 1 ? 'ENOSPC' : undefined);
    },
  });
  disk.perform({ type: 'preserve', token: 1, regions: [4] });
  disk.perform({ type: 'preserve', token: 2, regions: [5, 6] });
  t.strictSame(answers, [
    { type: 'disk-done', token: 1 },
    { type: 'batch-end' },
    { type: 'disk-done', token: 2, failure: 'ENOSPC' },
    { type: 'batch-end' },
  ]);
});

t.test('a read of what is not in memory is answered when the disk has it, and later reads before it', (t) => {
  let late: ((found: Buffer | Error) => void) | undefined;
  const { disk, answers } = diskWith(
    {},
    {
      readCached: ({ offset }) => (offset === 0 ? undefined : Buffer.from('hot')),
      readLater: (_range, done) => {
        late = done;
      },
    },
  );
  disk.perform({ type: 'disk-read', token: 1, offset: 0, length: 4 });
  disk.perform({ type: 'disk-read', token: 2, offset: 512, length: 3 });
  late?.(Buffer.from('cold'));
  t.strictSame(answers, [
    { type: 'read-done', token: 2, data: Buffer.from('hot') },
    { type: 'read-done', token: 1, data: Buffer.from('cold') },
    { type: 'batch-end' },
  ]);
  t.end();
});

t.test(
  'a read that the disk fails later is answered as a failure, and none after the volume was closed',
  (t) => {
    const late: ((found: Buffer | Error) => void)[] = [];
    const { disk, answers } = diskWith(
      { close: () => undefined },
      { readCached: () => undefined, readLater: (_range, done) => late.push(done), close: () => undefined },
    );
    disk.perform({ type: 'disk-read', token: 1, offset: 0, length: 4 });
    disk.perform({ type: 'disk-read', token: 2, offset: 0, length: 4 });
    late[0]?.(new Error('EIO'));
    disk.close();
    late[1]?.(Buffer.from('cold'));
    t.strictSame(answers, [{ type: 'read-done', token: 1, failure: 'EIO' }, { type: 'batch-end' }]);
    t.end();
  },
);

t.test('a write that has to read first is done when that is in memory', async (t) => {
  const warm = Promise.withResolvers<undefined>();
  const writes: string[] = [];
  const { disk, answers } = diskWith(
    {},
    {
      warmForWrite: () => warm.promise,
      write: (_offset, bytes) => writes.push(Buffer.from(bytes).toString()),
    },
  );
  const data = Buffer.from('x');
  disk.perform({ type: 'disk-write', token: 1, kind: 'data', offset: 512, length: 1, data });
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame([writes, answers], [[], []]);
  data.write('y');
  warm.resolve(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(writes, ['x'], 'as they were sent, whatever became of that memory since');
  t.strictSame(answers, [{ type: 'disk-done', token: 1 }, { type: 'batch-end' }]);
});
