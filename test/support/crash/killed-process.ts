/**
 * `node killed-process.ts FOLDER SEED LOG`: opens the store in the folder and works on it until it is killed, or until
 * something is wrong, which it says.
 */
import { Random } from '../harness/random.ts';
import { modelOf } from './check.ts';
import { EventLog } from './event-log.ts';
import { openStore } from './host.ts';
import { Life } from './life.ts';
import { RealHost } from './real-host.ts';
import { work } from './workload.ts';

/** All processes are of one boot: what one wrote the next has to find. */
export const BOOT_ID = 'one boot';
/** More than a process comes to. */
const ACTIONS = 1_000_000;

if (process.argv[1] === import.meta.filename) {
  const [folder = '', seed = '', log = ''] = process.argv.slice(2);
  const events = new EventLog(log);
  const host = await RealHost.open(folder);
  const before = await openStore(host, BOOT_ID);
  const model = modelOf(before);
  await before.close();
  const random = Random.of(Number(seed), 'killed');
  const life = new Life({ host, model, random, onEvent: (event) => events.write(event) });
  await life.open(BOOT_ID);
  await work(life, ACTIONS);
}
