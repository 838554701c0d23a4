import t from 'tap';
import { chooseHosts, type HostRoom, roomOf } from '../../../control/placement/choose.ts';
import { host, hostRecord, replica, volume } from '../../support/control-records.ts';

const MIB = 1024 * 1024;
const room = (name: string, mebibytes: number, reachable = true): HostRoom => ({
  host: name,
  zone: name.slice(0, 1),
  reachable,
  roomBytes: mebibytes * MIB,
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
