/** libnbd's nbdcopy: many requests over several connections at once, in both directions. */
import t from 'tap';
import { checkNbdcopy } from '../support/nbd-real-clients.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const server = await VolumeServer.start(t, 64 * MIB);

for (const [transport, served] of Object.entries(server.transports))
  t.test(`what 4 connections copied there over ${transport} comes back`, (t) => checkNbdcopy(t, served));
