/** The workflows that another workflow has do its work. */
import { CopyStarter } from './copy-starter.ts';
import { decideOn } from './services/database-failover.ts';
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
      const decision = await decideOn({ views, nowMs }, entry, 'switchover');
      return starter.failover(entry, volume, { ...decision, why }, undefined, id);
    },
  };
}
