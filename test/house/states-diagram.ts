/** The part of docs/replication.md that is made of the legality table. Pure. */
import { isPrimaryState, type ReplicaState, transitionReasons } from '../../daemon/replication/states.ts';

const BEGIN =
  '<!-- made of daemon/replication/states.ts: REWRITE=1 node test/house/states-diagram.test.ts -->';
const END = '<!-- end of what is made -->';

/** The page with the diagram as it is now; undefined: it has no place for one. */
export function withDiagram(page: string): string | undefined {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) return undefined;
  return `${page.slice(0, begin + BEGIN.length)}\n${diagram()}\n${page.slice(end)}`;
}

function diagram(): string {
  const states = Object.keys(transitionReasons) as ReplicaState[];
  const arrows = states.flatMap((from) =>
    Object.entries(transitionReasons[from]).map(([to, reason]) => `  ${from} --> ${to}: ${reason}`),
  );
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  classDef primary font-weight:bold,stroke-width:3px',
    '  [*] --> BLANK',
    ...arrows,
    `  class ${states.filter((state) => isPrimaryState(state)).join(', ')} primary`,
    '```',
  ].join('\n');
}
