/** What can wait of the store, in virtual time. */
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { Background } from '../../daemon/store/background.ts';
import { quietLog } from '../support/quiet-log.ts';

const TICK_MS = 5;

class World {
  nowMs = 1000;
  /** Pieces that are left, and how many were asked for. */
  left = 0;
  asked = 0;
  readonly logged: unknown[] = [];
  readonly background: Background;
  #hasEnded = false;

  /** `work`: of a piece, which begins at once. */
  constructor(t: Test, work: () => Promise<void> = () => Promise.resolve()) {
    mock.timers.enable({ apis: ['setTimeout'] });
    syncBuiltinESMExports();
    this.background = new Background({
      step: async () => {
        this.asked++;
        await work();
        if (this.left === 0) return false;
        this.left--;
        return true;
      },
      clock: { nowMs: () => this.nowMs },
      log: { ...quietLog, error: (facts) => this.logged.push(facts['error']) },
    });
    t.teardown(() => this.end());
  }

  /** Real time is back when it resolves. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const stopped = this.background.stop();
    // It may be between two looks whether a piece may be done.
    await this.pass(TICK_MS);
    await stopped;
    mock.timers.reset();
    syncBuiltinESMExports();
  }

  async pass(ms: number, each: () => void = () => undefined): Promise<void> {
    await settled();
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      each();
      this.nowMs += TICK_MS;
      mock.timers.tick(TICK_MS);
      await settled();
    }
  }
}

/** What has been resolved is gone on with. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

t.test('all that is left is done, and then it is looked for now and then', async (t) => {
  const world = new World(t);
  world.left = 5;
  await world.pass(500);
  t.equal(world.left, 0);
  t.equal(world.asked, 6);
  await world.pass(800);
  t.equal(world.asked, 7);
  world.left = 1;
  await world.pass(1000);
  t.equal(world.left, 0);
});

t.test('who wakes it has not to wait for the next look', async (t) => {
  const world = new World(t);
  await world.pass(100);
  t.equal(world.asked, 1);
  world.background.wake();
  await settled();
  t.equal(world.asked, 2);
});

t.test('pieces are done no faster than the budget, which begins low', async (t) => {
  const world = new World(t);
  world.left = 1000;
  await world.pass(50);
  t.equal(world.asked, 1);
  await world.pass(20);
  t.equal(world.asked, 2);
});

t.test('clients that feel it slow it down, to a floor', async (t) => {
  const quiet = new World(t);
  quiet.left = 10_000;
  await quiet.pass(3000);
  await quiet.end();
  const busy = new World(t);
  busy.left = 10_000;
  await busy.pass(3000, () => {
    busy.background.latency(50);
  });
  t.ok(quiet.asked > 100, `${String(quiet.asked)} pieces where nobody writes`);
  t.ok(busy.asked > 20 && busy.asked < 40, `${String(busy.asked)} pieces beside clients that wait`);
});

t.test('a piece that fails is told of and asked for again later, not at once', async (t) => {
  let fails = true;
  const world = new World(t, () => (fails ? Promise.reject(new Error('EIO')) : Promise.resolve()));
  world.left = 1;
  await world.pass(9900);
  t.equal(world.asked, 1);
  t.strictSame(world.logged, ['EIO']);
  fails = false;
  await world.pass(200);
  t.equal(world.left, 0);
});

t.test('the piece under way is done when it has stopped, and no other is begun', async (t) => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const world = new World(t, async () => {
    await promise;
  });
  world.left = 10;
  await settled();
  let hasStopped = false;
  const stopped = world.background.stop().then(() => {
    hasStopped = true;
  });
  await world.pass(100);
  t.notOk(hasStopped);
  resolve(undefined);
  await stopped;
  await world.pass(5000);
  t.equal(world.asked, 1);
});

t.test('it stops at once where there is nothing to do, and after a failure', async (t) => {
  for (const work of [() => Promise.resolve(), () => Promise.reject(new Error('EIO'))]) {
    const world = new World(t, work);
    await settled();
    await world.background.stop();
    t.equal(world.asked, 1);
    await world.end();
  }
});
