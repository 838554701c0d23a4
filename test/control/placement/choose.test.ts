import t from 'tap';
import {
  chooseHost,
  chooseHosts,
  type CopyWish,
  type HostRoom,
  roomOf,
} from '../../../control/placement/choose.ts';
import { host, hostRecord, replica, volume } from '../../support/control-records.ts';

const MIB = 1024 * 1024;
const room = (name: string, mebibytes: number, reachable = true): HostRoom => ({
  host: name,
  zone: name.slice(0, 1),
  reachable,
  cordoned: false,
  roomBytes: mebibytes * MIB,
});
const cordoned = (host: HostRoom): HostRoom => ({ ...host, cordoned: true });
const wish = (change: Partial<CopyWish> = {}): CopyWish => ({
  sizeBytes: 256 * MIB,
  place: {},
  zonesTaken: ['a'],
  hostsTaken: ['a1'],
  ...change,
});

t.test('the first zone named gets the primary', async (t) => {
  const hosts = [room('a1', 900), room('b1', 500)];
  t.match(chooseHosts(hosts, 256 * MIB, ['b', 'a']), {
    ok: true,
    primary: { host: 'b1' },
    secondary: { host: 'a1' },
  });
});

t.test('without zones the two with most room are taken, and in each the host with most', async (t) => {
  const hosts = [room('a1', 300), room('b1', 500), room('b2', 800), room('c1', 700)];
  t.match(chooseHosts(hosts, 256 * MIB, []), {
    ok: true,
    primary: { host: 'b2' },
    secondary: { host: 'c1' },
  });
});

t.test('two hosts of one zone are not two zones', async (t) => {
  const result = chooseHosts([room('a1', 900), room('a2', 900)], 256 * MIB, []);
  t.match(result, { ok: false, reason: 'NOT_ENOUGH_ZONES' });
});

t.test('a shortage names the hosts there are and their room', async (t) => {
  const hosts = [room('a1', 900), room('b1', 100), room('c1', 900, false)];
  t.match(chooseHosts(hosts, 256 * MIB, ['a', 'b']), {
    ok: false,
    message:
      /256 MiB are needed in zones a and b; .*host a1, 900 MiB free; .*host b1, 100 MiB free; .*host c1, not reachable/,
  });
});

t.test('room is what is not promised yet, and never more than what is free', async (t) => {
  const record = hostRecord('a1');
  const heard = (availableBytes: number) =>
    new Map([['a1', host('a1', replica('SERVING'), { availableBytes })]]);
  t.equal(roomOf(record, [volume], heard(record.capacityBytes)), record.capacityBytes - volume.sizeBytes);
  t.equal(roomOf(record, [volume], heard(5)), 5);
  t.equal(roomOf(record, [volume], new Map()), 0, 'a host that was never heard');
  t.equal(roomOf({ ...record, capacityBytes: 1 }, [volume], heard(9)), 0, 'promised more than it has');
});

t.test('nothing new is placed on a cordoned host', async (t) => {
  const hosts = [room('a1', 900), cordoned(room('b1', 900)), room('b2', 300)];
  t.match(chooseHosts(hosts, 256 * MIB, []), { ok: true, secondary: { host: 'b2' } });
  t.match(chooseHosts(hosts, 512 * MIB, []), { ok: false, message: /host b1, cordoned; .*host b2, 300 MiB/ });
  t.match(chooseHost(hosts, wish()), { ok: true, host: { host: 'b2' } });
});

t.test('a single copy goes where most room is', async (t) => {
  const hosts = [room('a1', 300), room('b1', 900)];
  const single = wish({ zonesTaken: [], hostsTaken: [] });
  t.match(chooseHost(hosts, single), { ok: true, host: { host: 'b1' } });
});

t.test('a second copy goes into another zone than the first', async (t) => {
  const hosts = [room('a1', 900), room('a2', 900), room('b1', 300)];
  t.match(chooseHost(hosts, wish()), { ok: true, host: { host: 'b1' } });
  t.match(chooseHost(hosts, wish({ sizeBytes: 512 * MIB })), {
    ok: false,
    reason: 'NO_FITTING_HOST',
    message:
      /^512 MiB are needed on a host outside of zone a; there is .*host a1, has or had a copy; .*host a2, in the zone of the other copy; zone b: host b1, 300 MiB free$/,
  });
});

t.test('a copy that moves stays in its zone where it can', async (t) => {
  const hosts = [room('b2', 300), room('c1', 900)];
  t.match(chooseHost(hosts, wish({ preferredZone: 'b' })), { ok: true, host: { host: 'b2' } });
  t.match(chooseHost(hosts, wish({ preferredZone: 'b', hostsTaken: ['b2'] })), {
    ok: true,
    host: { host: 'c1' },
  });
});

t.test('a place that is named is taken or refused, and never another', async (t) => {
  const hosts = [room('a1', 900), room('b1', 900), room('c1', 300), room('c2', 10)];
  t.match(chooseHost(hosts, wish({ place: { zone: 'c' } })), { ok: true, host: { host: 'c1' } });
  t.match(chooseHost(hosts, wish({ place: { host: 'c1' } })), { ok: true, host: { host: 'c1' } });
  t.match(chooseHost(hosts, wish({ place: { host: 'c2' } })), {
    ok: false,
    message: /on host c2 outside of zone a; there is zone c: host c2, 10 MiB free$/,
  });
  t.match(chooseHost(hosts, wish({ place: { zone: 'd' } })), { ok: false, message: /no such host/ });
});
