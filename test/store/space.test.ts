/** What is left of a disk, who may take it, and what is said of it. */
import t from 'tap';
import { type Room, Space, type SpaceLimits } from '../../daemon/store/space.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

function spaceOf(room: Room, limits: Partial<SpaceLimits> = {}) {
  const lines: string[] = [];
  const disk = { room, nowMs: 0, looks: 0, fails: false };
  const say = (_facts: object, message: string): number => lines.push(message);
  const space = new Space({
    limits: { reserveBytes: 64 * MIB, warnPercent: 85, whenFull: 'fail', ...limits },
    measure: () => {
      disk.looks++;
      if (disk.fails) throw new Error('EIO');
      return disk.room;
    },
    clock: { nowMs: () => disk.nowMs },
    log: { debug: say, info: say, warn: say, error: say },
  });
  return { space, disk, lines };
}

const room = (totalBytes: number, availableBytes: number): Room => ({ totalBytes, availableBytes });

t.test('clients may take all but the reserve, the store all but half of it', (t) => {
  const { space } = spaceOf(room(GIB, 65 * MIB));
  t.ok(space.hasRoom(MIB, 'client'));
  t.notOk(space.hasRoom(MIB + 1, 'client'));
  t.ok(space.hasRoom(33 * MIB, 'store'));
  t.notOk(space.hasRoom(33 * MIB + 1, 'store'));
  t.end();
});

t.test('what was let in and is not written yet is not there for others', (t) => {
  const { space } = spaceOf(room(GIB, 65 * MIB));
  space.promise(MIB);
  t.notOk(space.hasRoom(1, 'client'));
  space.kept(MIB);
  t.ok(space.hasRoom(MIB, 'client'));
  t.end();
});

t.test('the disk is looked at again only when what was written could matter', (t) => {
  const { space, disk } = spaceOf(room(GIB, 100 * MIB));
  for (let writes = 0; writes < 30; writes++) {
    t.ok(space.hasRoom(MIB, 'client'));
    space.taken(MIB);
  }
  t.equal(disk.looks, 1);
  // All of it was written in place.
  for (let writes = 0; writes < 30; writes++) {
    t.ok(space.hasRoom(MIB, 'client'));
    space.taken(MIB);
  }
  t.equal(disk.looks, 2);
  t.end();
});

t.test('each second the disk is looked at', (t) => {
  const { space, disk } = spaceOf(room(100 * GIB, 50 * GIB));
  t.ok(space.isFar);
  disk.room = room(100 * GIB, GIB);
  space.tick();
  t.ok(space.isFar, 'it was not looked at yet');
  disk.nowMs = 1000;
  space.tick();
  t.notOk(space.isFar);
  t.end();
});

t.test('a crossed mark is told of once, and once when it is over', (t) => {
  const { space, disk, lines } = spaceOf(room(100 * GIB, 20 * GIB));
  const look = (availableBytes: number): void => {
    disk.room = room(100 * GIB, availableBytes);
    disk.nowMs += 1000;
    space.tick();
  };
  t.equal(space.status.warning, '');
  look(15 * GIB);
  look(14 * GIB);
  t.match(space.status, { availableBytes: 14 * GIB, warning: 'the disk is 86 % full' });
  look(16 * GIB);
  t.equal(lines.length, 1, 'one that rests at the mark is not told of again and again');
  look(18 * GIB);
  t.strictSame(lines, [
    'the file system of the volumes fills up',
    'the file system of the volumes has room again',
  ]);
  t.equal(space.status.warning, '');
  t.end();
});

t.test('a full disk says what becomes of writes', (t) => {
  t.match(spaceOf(room(GIB, MIB)).space.status.warning, /full: writes that need room fail/);
  const { space } = spaceOf(room(GIB, MIB), { whenFull: 'hold' });
  t.match(space.status.warning, /full: writes that need room wait/);
  space.held(3);
  t.match(space.status.warning, /full: 3 writes of clients wait for room/);
  t.end();
});

t.test('a file system that does not tell refuses nothing, and is told of once', (t) => {
  const { space, disk, lines } = spaceOf(room(GIB, GIB));
  disk.fails = true;
  for (let at = 1; at <= 3; at++) {
    disk.nowMs = at * 1000;
    space.tick();
  }
  t.ok(space.hasRoom(MIB, 'client'));
  t.strictSame(lines, ['the file system does not tell how much room is left']);
  t.end();
});
