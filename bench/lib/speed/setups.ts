/** All that can be measured, and which of it is installed here. */
import { lockstepOne, lockstepTwo } from './lockstep.ts';
import { nbdkit, nbdServer, plainFile, qemuNbd, quorumNbdkit, quorumQemuNbd } from './peers.ts';
import type { Setup } from './setup.ts';

/** In the order of the tables. */
export const setups: readonly Setup[] = [
  lockstepTwo,
  quorumNbdkit,
  quorumQemuNbd,
  lockstepOne,
  nbdkit,
  qemuNbd,
  nbdServer,
  plainFile,
];

export interface Installed {
  readonly setup: Setup;
  readonly version: string;
}

export async function installed(chosen: readonly Setup[]): Promise<readonly Installed[]> {
  const found: Installed[] = [];
  for (const setup of chosen) {
    const version = await setup.version();
    if (version !== undefined) found.push({ setup, version });
  }
  return found;
}
