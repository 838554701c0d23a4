/** When a flush needs a sync of its own, which one it shares, and what is begun before it is asked for. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { type Flushed, Flushes } from '../../../daemon/store/layers/flushes.ts';

/** A volume whose syncs end when the test says so. */
class Syncs {
  readonly underWay: Flushed[] = [];
  begun = 0;
  told = 0;
  failure: Error | undefined;
  readonly flushes = new Flushes({
    refusal: () => this.failure,
    sync: (done) => {
      this.begun++;
      this.underWay.push(done);
    },
    told: () => {
      this.told++;
    },
  });

  end(error?: Error): void {
    this.failure = error ?? this.failure;
    this.underWay.shift()?.(error);
  }

  /** Answers what the flush was answered with, and 'nothing yet' until then. */
  flush(by: 'client' | 'store' = 'client'): () => Error | 'stable' | 'nothing yet' {
    let answer: Error | 'stable' | 'nothing yet' = 'nothing yet';
    this.flushes.request((error) => {
      answer = error ?? 'stable';
    }, by);
    return () => answer;
  }

  /** As often as it takes until the next write is expected to be followed by a flush. */
  async commit(times: number): Promise<void> {
    for (let done = 0; done < times; done++) {
      this.flushes.wrote();
      await nextTurn();
      this.flush();
      while (this.underWay.length > 0) this.end();
    }
    this.begun = 0;
  }
}

await test('what an earlier life wrote is synced once, what was not changed since is not synced again', async (t) => {
  const syncs = new Syncs();
  const first = syncs.flush();
  t.equal(first(), 'nothing yet');
  syncs.end();
  t.equal(first(), 'stable');
  const second = syncs.flush();
  t.equal(second(), 'nothing yet', 'never in the same turn');
  await nextTurn();
  t.equal(second(), 'stable');
  t.equal(syncs.begun, 1);
  syncs.flushes.changed();
  syncs.flush();
  t.equal(syncs.begun, 2);
});

await test('a flush shares the one under way only if nothing changed since that began', (t) => {
  const syncs = new Syncs();
  syncs.flushes.wrote();
  const first = syncs.flush();
  const shares = syncs.flush();
  syncs.flushes.wrote();
  const own = syncs.flush();
  const sharesOwn = syncs.flush();
  syncs.end();
  t.strictSame([first(), shares(), own()], ['stable', 'stable', 'nothing yet']);
  t.equal(syncs.begun, 2);
  syncs.end();
  t.strictSame([own(), sharesOwn()], ['stable', 'stable']);
  t.equal(syncs.begun, 2);
  t.end();
});

await test('after some commits the sync begins with the write', async (t) => {
  const syncs = new Syncs();
  await syncs.commit(8);
  syncs.flushes.wrote();
  t.equal(syncs.begun, 0, 'what is written is sent on first');
  await nextTurn();
  t.equal(syncs.begun, 1);
  const joins = syncs.flush();
  syncs.end();
  t.equal(joins(), 'stable');
  syncs.flushes.wrote();
  await nextTurn();
  syncs.end();
  const later = syncs.flush();
  await nextTurn();
  t.equal(later(), 'stable', 'it had ended before the flush was asked for');
  t.equal(syncs.begun, 2);
});

await test('a write behind the early sync has one of its own', async (t) => {
  const syncs = new Syncs();
  await syncs.commit(8);
  syncs.flushes.wrote();
  await nextTurn();
  syncs.flushes.wrote();
  const flush = syncs.flush();
  syncs.end();
  t.equal(flush(), 'nothing yet');
  syncs.end();
  t.equal(flush(), 'stable');
});

await test('writes without flushes are not synced early', async (t) => {
  const syncs = new Syncs();
  await syncs.commit(8);
  let begun = 0;
  for (let round = 0; round < 4; round++) {
    for (let write = 0; write < 50; write++) {
      syncs.flushes.wrote();
      await nextTurn();
      while (syncs.underWay.length > 0) syncs.end();
    }
    begun += syncs.begun;
    syncs.flush();
    syncs.end();
    syncs.begun = 0;
  }
  t.ok(begun <= 2, `${String(begun)} early syncs of 200 writes`);
});

await test('an early sync that fails is told to the client that flushes next, and by nobody else', async (t) => {
  const syncs = new Syncs();
  await syncs.commit(8);
  syncs.flushes.wrote();
  await nextTurn();
  const failure = new Error('EIO');
  syncs.end(failure);
  t.equal(syncs.told, 0);
  const ofStore = syncs.flush('store');
  await nextTurn();
  t.equal(ofStore(), failure);
  t.equal(syncs.told, 0);
  const ofClient = syncs.flush();
  await nextTurn();
  t.equal(ofClient(), failure);
  t.equal(syncs.told, 1);
});

await test('a flush that is asked for by one that is told has those with it that wait', async (t) => {
  const syncs = new Syncs();
  syncs.flushes.wrote();
  let rounds = 0;
  const again = (): void => {
    if (++rounds > 5) return;
    syncs.flushes.wrote();
    syncs.flushes.request(again, 'client');
  };
  syncs.flushes.request(again, 'client');
  syncs.flushes.wrote();
  const ofStore = syncs.flush('store');
  syncs.end();
  t.equal(ofStore(), 'nothing yet');
  syncs.end();
  t.equal(ofStore(), 'stable');
});
