/**
 * The guard of a host's engines, a process of its own: `guard-main.ts STATE_DIR`. An engine answers reads from its own
 * memory, and may do so only while its replica's lease runs. The daemon tells when that ends, each time that it is
 * renewed; a daemon that is killed, stopped or hangs tells nothing, and the engine is stopped when its time comes. The
 * engine goes on when a daemon says so; killing one that was fenced is the daemon's.
 *
 * It reads and writes no file after its start, so that no disk can keep it from its work, and it outlives the daemon:
 * it ends when there is neither an engine nor a daemon left.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { bootClock } from '../sys/clock.ts';
import { guardMessageSchema, type GuardReport, guardSocket, lineReader } from './guard-messages.ts';
import { GUARD_START_TIMEOUT_MS } from './limits.ts';
import {
  childrenSeen,
  freezeTree,
  isFrozen,
  isThere,
  killOrphans,
  type ProcessIdentity,
  thawTree,
} from './process-tree.ts';

/** Also how long after a suspend of the machine an engine can go on: timers stand still meanwhile. */
const LOOK_MS = 20;
/**
 * How often what has to be silent is stopped again: a parent that was in the kernel in the middle of a fork has had a
 * child since, and anybody may have told a process to go on.
 */
const FREEZE_AGAIN_MS = 100;

interface Guarded {
  root: ProcessIdentity | undefined;
  /** At the last look: by a root that is dead they could not be found. */
  children: readonly ProcessIdentity[];
  /** Of a volume of which nothing was told, an engine has no leave to speak. */
  silentAtMs: number;
  isFrozen: boolean;
  freezeAgainMs: number;
}

class Guard {
  readonly #engines = new Map<string, Guarded>();
  #daemon: Socket | undefined;

  /** A daemon that was started anew comes while the end of the old one's connection is still on its way. */
  connected(daemon: Socket): void {
    this.#daemon = daemon;
    const read = lineReader((line) => this.#hear(line));
    // After all that was said: what a later line takes back must not let an engine speak meanwhile.
    daemon.on('data', (chunk: Buffer) => {
      read(chunk);
      this.look();
    });
    daemon.on('error', () => undefined);
    // At the end of what it says, before the connection is closed here: a daemon that waits for that finds it gone.
    for (const event of ['end', 'close'])
      daemon.on(event, () => {
        if (this.#daemon === daemon) this.#daemon = undefined;
        this.look();
      });
  }

  look(): void {
    const nowMs = bootClock.nowMs();
    for (const [volume, guarded] of this.#engines) {
      const { root } = guarded;
      if (root === undefined) continue;
      if (isThere(root)) {
        guarded.children = childrenSeen(root.pid, guarded.children);
        this.#enforce(volume, guarded, root, nowMs);
      } else {
        killOrphans(guarded.children);
        Object.assign(guarded, { root: undefined, children: [] });
      }
    }
    const isNeeded = [...this.#engines.values()].some(({ root }) => root !== undefined);
    if (!isNeeded && this.#daemon === undefined && isStarted) process.exit(0);
  }

  #hear(line: string): void {
    const parsed = guardMessageSchema.safeParse(JSON.parse(line));
    // Of another version: the leases that it cannot read run out.
    if (!parsed.success) return;
    const message = parsed.data;
    const guarded = this.#of(message.volume);
    if (message.kind === 'lease') guarded.silentAtMs = message.silentAtMs ?? Infinity;
    else {
      const { pid, startTicks } = message;
      const isSame = guarded.root?.pid === pid && guarded.root.startTicks === startTicks;
      guarded.root = { pid, startTicks };
      // By a guard that was killed, or by the daemon itself meanwhile: it is this one that has it go on.
      if (!isSame)
        Object.assign(guarded, { children: [], isFrozen: isFrozen(guarded.root), freezeAgainMs: 0 });
    }
  }

  #enforce(volume: string, guarded: Guarded, root: ProcessIdentity, nowMs: number): void {
    const mustBeSilent = nowMs >= guarded.silentAtMs;
    const wasFrozen = guarded.isFrozen;
    if (mustBeSilent ? nowMs < guarded.freezeAgainMs : !wasFrozen) return;
    guarded.isFrozen = mustBeSilent;
    const processes = mustBeSilent ? freezeTree(root) : 0;
    if (!mustBeSilent) thawTree(root);
    const doneMs = bootClock.nowMs();
    guarded.freezeAgainMs = mustBeSilent ? doneMs + FREEZE_AGAIN_MS : 0;
    if (mustBeSilent === wasFrozen) return;
    this.#report({ volume, event: mustBeSilent ? 'frozen' : 'thawed', processes, tookMs: doneMs - nowMs });
  }

  #of(volume: string): Guarded {
    const known = this.#engines.get(volume);
    if (known !== undefined) return known;
    const guarded = {
      ...{ root: undefined, children: [] },
      ...{ silentAtMs: -Infinity, isFrozen: false, freezeAgainMs: 0 },
    };
    this.#engines.set(volume, guarded);
    return guarded;
  }

  #report(report: GuardReport): void {
    this.#daemon?.write(`${JSON.stringify(report)}\n`);
  }
}

/** A busy host must not make it late. Where that is not allowed, it is one process among others. */
function takePrecedence(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // As said.
  }
}

const [stateDir] = process.argv.slice(2);
if (stateDir === undefined) throw new Error('the state folder is missing');
const path = guardSocket(stateDir);
const guard = new Guard();
/** Until a daemon came once, there is nobody to leave it alone; one that was killed meanwhile never comes. */
let isStarted = false;
setTimeout(() => {
  isStarted = true;
}, GUARD_START_TIMEOUT_MS);

process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
takePrecedence();
// Of a guard that was killed: none is alive, as long as this one has the lock that it is started under.
rmSync(path, { force: true });
const server = createServer((socket) => {
  isStarted = true;
  guard.connected(socket);
});
server.listen(path);
setInterval(() => guard.look(), LOOK_MS);
