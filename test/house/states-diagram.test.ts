/** docs/replication.md shows the legality table as it is. `REWRITE=1` draws the diagram anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { transitionReasons } from '../../daemon/replication/states.ts';
import { withDiagram } from './states-diagram.ts';

const path = resolve(import.meta.dirname, '../../docs/replication.md');

t.test('the diagram of the states is that of the legality table', async (t) => {
  const page = readFileSync(path, 'utf8');
  const drawn = withDiagram(page);
  t.ok(drawn, 'the page has the markers between which it stands');
  if (process.env['REWRITE'] === '1' && drawn !== undefined) writeFileSync(path, drawn);
  else t.equal(page, drawn);
});

t.test('a page without the markers is found out', async (t) => {
  t.equal(withDiagram('no markers'), undefined);
});

t.test('a reason has no sign that ends a label in Mermaid', async (t) => {
  const reasons = Object.values(transitionReasons).flatMap((to) => Object.values(to));
  t.strictSame(
    reasons.filter((reason) => /[:;#%{}<>"]/.test(reason)),
    [],
  );
});
