/** The engines there are. A new one is a file beside this one and its name in this list (docs/engines.md). */
import type { Engine } from './engine.ts';
import { mariadb } from './mariadb.ts';
import { postgresql } from './postgresql.ts';

export const ENGINES: readonly Engine[] = [postgresql, mariadb];
