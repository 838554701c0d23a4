/** `lockstep doctor`: what is on the hosts, or in control's records, and nothing accounts for. */
import type { Command } from 'commander';
import { type GlobalOptions, withContext } from './context.ts';
import { auditJson, isClean, renderAudit } from './render-audit.ts';

/** A host that does not answer costs its patience, and what is found is looked for again a moment later. */
const AUDIT_MS = 120_000;
const FOUND = 1;

interface DoctorOptions extends GlobalOptions {
  readonly repair?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('compare the records with what is on the hosts; ends with 1 where something is wrong')
    .option('--repair', 'take away what can be taken away without a loss of data')
    .action(async (_options: unknown, command: Command) => {
      const { repair = false, ...options } = command.optsWithGlobals<DoctorOptions>();
      await withContext(options, async (context) => {
        const { client, signal, paint } = context;
        const answer = await client.cluster.audit({ repair, signal, deadlineMs: AUDIT_MS });
        context.print(
          () => renderAudit(answer, paint),
          () => auditJson(answer),
        );
        if (!isClean(answer)) process.exitCode = FOUND;
      });
    });
}
