/** What the parts of one run of the quick start share. */
import { LockstepClient } from '../lockstep.ts';
import type { Paint } from '../cli/text.ts';
import type { Plan } from './plan.ts';

export interface Session {
  readonly plan: Plan;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly paint: Paint;
  readonly say: (line: string) => void;
}

export async function withClient<Result>(
  plan: Plan,
  work: (client: LockstepClient) => Promise<Result>,
): Promise<Result> {
  const client = new LockstepClient({ server: plan.server });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
