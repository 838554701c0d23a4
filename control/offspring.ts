/** The workflows that another workflow has do its work. */
import { CopyStarter } from './copy-starter.ts';
import { successorOf } from './services/database-failover.ts';
import type { Views } from './services/views.ts';
import type { Starter } from './starter.ts';
import type { Offspring } from './workflow/definitions/surroundings.ts';
import type { WorkflowEngine } from './workflow/executor.ts';

export function offspringOf(parts: {
  readonly engine: WorkflowEngine;
  readonly starter: Starter;
  readonly views: Views;
  readonly nowMs: () => number;
}): Offspring {
  const { engine, starter, views, nowMs } = parts;
  return {
    get: (id) => engine.get(id),
    copies: new CopyStarter(starter),
    async switchover({ entry, volume }, { why, id }) {
      const to = await successorOf({ views }, entry, 'switchover');
      const atMs = nowMs();
      const decision = { to, why, mode: 'switchover' as const, lastHeardMs: atMs, decidedAtMs: atMs };
      return starter.failover(entry, volume, decision, undefined, id);
    },
  };
}
