/**
 * The server that fuzzed sessions reach over a socket, in a process of its own. Serves the exports of world.ts on the
 * Unix socket named by its argument, some answers at once and others later, and tells its parent about itself.
 */
import { NbdServer } from '../../daemon/nbd/server.ts';
import { Random } from '../support/harness/random.ts';
import { FuzzDisk } from './disk.ts';
import { memoryInUse } from './garbage.ts';
import type { Memory } from './tally.ts';

export interface ServerReport extends Memory {
  /** Exports that are open. */
  readonly openCount: number;
  readonly heldBytes: number;
}

const LONGEST_ANSWER_MS = 2;

const random = Random.of(1, 'server');
const disk = new FuzzDisk(random, {
  holds: 0.3,
  fails: 0.01,
  onHeld: () => setTimeout(() => disk.answerOne(), random.below(LONGEST_ANSWER_MS + 1)),
});
const server = new NbdServer({ exports: disk });
await server.listenUnix(process.argv[2] ?? '');
process.on('message', () => {
  disk.changes.length = 0;
  void memoryInUse().then((memory) => {
    const report: ServerReport = { ...memory, openCount: disk.openCount, heldBytes: server.heldBytes };
    process.send?.(report);
  });
});
process.on('disconnect', () => process.exit());
process.send?.('serving');
