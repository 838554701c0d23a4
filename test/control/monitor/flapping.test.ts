/**
 * Hosts that come and go, on a clock of the test: what the monitor's rules and its damper make of it, with a model of
 * what hosts do meanwhile.
 */
import fc from 'fast-check';
import t from 'tap';
import { Damper } from '../../../control/monitor/damper.ts';
import { decide } from '../../../control/monitor/decide.ts';
import type { HostObservation } from '../../../control/model/observation.ts';
import type { VolumeRecord } from '../../../control/model/records.ts';
import { database, host, replica, SILENCE_MS, volume } from '../../support/control-records.ts';

const STEP_MS = 50;
const MINUTE_MS = 60_000;
const LEASE_MS = 2000;
/** From the return of a host to both copies in sync: as quick as it can be. */
const RESYNC_MS = 300;
const FAILOVER_MS = 1000;

/** A host cannot be heard by anybody, nor hear. */
interface Drop {
  readonly host: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

class World {
  record: VolumeRecord = volume;
  failovers = 0;
  readonly #drops: readonly Drop[];
  readonly #damper = new Damper();
  readonly #lastHeardMs = new Map<string, number>();
  #busyUntilMs = 0;
  /** Since when both are there; undefined: one is away. */
  #togetherSinceMs: number | undefined = 0;

  constructor(drops: readonly Drop[]) {
    this.#drops = drops;
  }

  run(untilMs: number): number {
    for (let nowMs = SILENCE_MS * 2; nowMs < untilMs; nowMs += STEP_MS) this.#step(nowMs);
    return this.failovers;
  }

  #isAway(name: string, nowMs: number): boolean {
    return this.#drops.some((drop) => drop.host === name && nowMs >= drop.fromMs && nowMs < drop.untilMs);
  }

  #step(nowMs: number): void {
    const away = this.record.replicas.filter((name) => this.#isAway(name, nowMs));
    for (const name of this.record.replicas) if (!away.includes(name)) this.#lastHeardMs.set(name, nowMs);
    this.#togetherSinceMs = away.length > 0 ? undefined : (this.#togetherSinceMs ?? nowMs);
    const togetherMs = this.#togetherSinceMs === undefined ? 0 : nowMs - this.#togetherSinceMs;
    const { primary, generation } = this.record;
    const [other = ''] = this.record.replicas.filter((name) => name !== primary);
    // A primary that control hears and that lost the other goes on alone; one that is back is made equal.
    if (away.includes(other) && !away.includes(primary) && this.record.inSync.length === 2) {
      if (nowMs - (this.#lastHeardMs.get(other) ?? 0) >= SILENCE_MS)
        this.record = { ...this.record, generation: generation + 1, inSync: [primary] };
    } else if (togetherMs >= RESYNC_MS && this.record.inSync.length === 1)
      this.record = { ...this.record, generation: generation + 1, inSync: [primary, other] };
    if (nowMs >= this.#busyUntilMs) this.#decide(nowMs, other);
  }

  #decide(nowMs: number, other: string): void {
    const { primary, inSync, generation } = this.record;
    const heard = (name: string): number => this.#lastHeardMs.get(name) ?? 0;
    const silence = nowMs - heard(primary);
    const both = inSync.length === 2;
    const view = { generation, primary, inSync };
    const secondary = replica(both ? 'SECONDARY' : 'STALE', {
      ...view,
      peerConnected: silence < SILENCE_MS,
      peerSilenceMs: silence,
      disconnectedSinceMs: silence < SILENCE_MS ? undefined : heard(primary),
    });
    const serving = replica(both ? 'SERVING' : 'SOLO', view);
    const hosts = new Map<string, HostObservation>([
      [primary, host(primary, serving, { lastHeardMs: heard(primary) })],
      [other, host(other, secondary, { lastHeardMs: heard(other) })],
    ]);
    this.#damper.hear('orders', hosts);
    const decision = decide({
      record: this.record,
      database: { ...database, aliasHost: primary },
      hosts,
      silenceMs: SILENCE_MS,
      controlUpSinceMs: 0,
      nowMs,
    });
    if (decision.kind !== 'failover') return;
    const neededMs = this.#damper.silenceNeededMs('orders', nowMs);
    if (decision.isBySilence && nowMs - decision.detectedFromMs < neededMs) return;
    this.#damper.failedOver('orders', {
      host: primary,
      incarnation: hosts.get(primary)?.incarnation,
      silentSinceMs: decision.detectedFromMs,
      atMs: nowMs,
    });
    this.failovers++;
    this.record = { ...this.record, generation: generation + 1, primary: decision.to, inSync: [decision.to] };
    this.#busyUntilMs = nowMs + FAILOVER_MS;
  }
}

const drops = (hosts: readonly string[], lengthMs: number): readonly Drop[] =>
  Array.from({ length: 20 }, (_, index) => ({
    host: hosts[index % hosts.length] ?? '',
    fromMs: 5000 + index * 3000,
    untilMs: 5000 + index * 3000 + lengthMs,
  }));

t.test('a primary that is away for longer than a drop lasts is failed over from', async (t) => {
  t.equal(new World([{ host: 'a1', fromMs: 5000, untilMs: 30_000 }]).run(40_000), 1);
});

t.test('twenty drops in a minute that are shorter than the minimum time cause no failover', async (t) => {
  for (const hosts of [['a1'], ['b1'], ['a1', 'b1']])
    t.equal(new World(drops(hosts, SILENCE_MS - 100)).run(70_000), 0, hosts.join(', '));
});

t.test('twenty longer drops in a minute cause one, whichever hosts drop out', async (t) => {
  for (const lengthMs of [1700, LEASE_MS, 2500, 2900])
    for (const hosts of [['a1'], ['a1', 'b1'], ['a1', 'a1', 'b1', 'b1']])
      t.ok(new World(drops(hosts, lengthMs)).run(65_000) <= 1, `${hosts.join(', ')} for ${String(lengthMs)}`);
});

t.test('nor do any twenty drops of a minute, wherever they lie', async () => {
  const drop = fc.record({
    host: fc.constantFrom('a1', 'b1'),
    fromMs: fc.integer({ min: 5000, max: 5000 + MINUTE_MS - 6000 }),
    lengthMs: fc.integer({ min: 200, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(drop, { minLength: 20, maxLength: 20 }), (found) => {
      // Drops of one host that run into each other are one long absence, and that is no drop.
      const sorted = found.toSorted((a, b) => a.fromMs - b.fromMs);
      const apart = sorted.reduce<Drop[]>((kept, { host: name, fromMs, lengthMs }) => {
        const last = kept.findLast((one) => one.host === name);
        const isApart = last === undefined || fromMs > last.untilMs + 200;
        return isApart ? [...kept, { host: name, fromMs, untilMs: fromMs + lengthMs }] : kept;
      }, []);
      return new World(apart).run(5000 + MINUTE_MS) <= 1;
    }),
    { numRuns: 200 },
  );
});

t.test('a host that is really lost soon after a drop is failed over from, a little later', async (t) => {
  const dropped: Drop = { host: 'a1', fromMs: 5000, untilMs: 7500 };
  const lost: Drop = { host: 'b1', fromMs: 20_000, untilMs: 100_000 };
  t.equal(new World([dropped, lost]).run(20_000 + 9_000), 1);
  t.equal(new World([dropped, lost]).run(20_000 + 12_000), 2);
});

t.test('a minute after the last failover of that kind a silence is as long as ever', async (t) => {
  const damper = new Damper();
  damper.failedOver('orders', { host: 'a1', incarnation: 1n, silentSinceMs: 0, atMs: 1500 });
  t.equal(damper.silenceNeededMs('orders', 2000), 0, 'it has not come back yet');
  damper.hear('orders', new Map([['a1', { incarnation: 2n, lastHeardMs: 3000 }]]));
  t.equal(damper.silenceNeededMs('orders', 4000), 0, 'it was restarted: that was no drop');
  damper.hear('orders', new Map([['a1', { incarnation: 1n, lastHeardMs: 3000 }]]));
  t.equal(damper.silenceNeededMs('orders', 4000), 10_000);
  damper.reset('orders');
  t.equal(damper.silenceNeededMs('orders', 4000), 10_000, 'also when the database is well again');
  t.equal(damper.silenceNeededMs('orders', 1500 + 60_000), 0);
});
