/** `lockstep completion bash|zsh|fish`: scripts made of the command's own words, so that they are never behind. */
import type { Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { UsageError } from './errors.ts';

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes these words; source <(lockstep completion bash)')
    .argument('<shell>', SHELLS.join(', '))
    .action((given: string) => {
      const shell = SHELLS.find((each): each is Shell => each === given);
      if (shell === undefined)
        throw new UsageError(`${JSON.stringify(given)} is no shell that is known`, SHELLS.join(', '));
      process.stdout.write(completionScript(shell, program));
    });
}
