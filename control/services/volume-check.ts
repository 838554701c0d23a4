/** A check of what each host keeps of a volume: asked of all of them at once; one that is away is told as such. */
import { messageOf } from '../../daemon/sys/errors.ts';
import { CheckServiceService as agent } from '../../proto/gen/lockstep/agent/v1/check.ts';
import type { ReplicaCheck, VolumeCheck } from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { Agents } from '../agents.ts';
import type { VolumeRecord } from '../model/records.ts';

/** The host answers how far it is: it does not wait for the end. */
const ASK_MS = 5000;

export async function checkVolume(
  agents: Pick<Agents, 'call'>,
  { volume, replicas }: VolumeRecord,
  { start }: { readonly start: boolean },
): Promise<VolumeCheck> {
  const checks = replicas.map((host) => checkReplica(agents, host, { volume, start }));
  return { name: `volumes/${volume}`, replicas: await Promise.all(checks) };
}

async function checkReplica(
  agents: Pick<Agents, 'call'>,
  host: string,
  request: { readonly volume: string; readonly start: boolean },
): Promise<ReplicaCheck> {
  const name = `hosts/${host}`;
  try {
    return { host: name, ...(await agents.call(host, agent.checkReplica, request, { deadlineMs: ASK_MS })) };
  } catch (error) {
    return { host: name, running: false, readBytes: 0n, findings: [], error: messageOf(error) };
  }
}
