/** Commands as they are printed for a person to copy: with what makes them reach this installation. Pure. */
import { DEFAULT_SERVER } from '../lockstep.ts';
import { DEFAULT_STATE_DIR, type Plan } from './plan.ts';

type Where = Pick<Plan, 'stateDir' | 'server'>;

/** `npm run quickstart`, with `--stop` and the like. */
export function quickstartCommand({ stateDir }: Where, option = ''): string {
  const words = [option, stateDir === DEFAULT_STATE_DIR ? '' : `--state ${stateDir}`].filter(
    (word) => word !== '',
  );
  return ['npm run quickstart', ...(words.length === 0 ? [] : ['--', ...words])].join(' ');
}

export function lockstepCommand({ server }: Where, words: string): string {
  return `${server === DEFAULT_SERVER ? '' : `LOCKSTEP_SERVER=${server} `}npx lockstep ${words}`;
}
