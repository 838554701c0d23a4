/** docs/events.md has the reasons of the code, each with the sentence that it has there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { EVENT_REASONS } from '../../control/model/event-reasons.ts';

const page = join(resolve(import.meta.dirname, '../..'), 'docs/events.md');
const begin =
  '<!-- made of control/model/event-reasons.ts: REWRITE=1 node test/house/event-reasons.test.ts -->\n';
const end = '<!-- end of what is made -->';

function withTable(text: string): string {
  const from = text.indexOf(begin) + begin.length;
  const rows = Object.entries(EVENT_REASONS).map(([reason, sentence]) => `| \`${reason}\` | ${sentence} |`);
  const table = ['| reason | says |', '| --- | --- |', ...rows].join('\n');
  return `${text.slice(0, from)}${table}\n${text.slice(text.indexOf(end))}`;
}

t.test('the list of reasons in docs/events.md is that of the code', async (t) => {
  const text = readFileSync(page, 'utf8');
  t.ok(text.includes(begin) && text.includes(end));
  if (process.env['REWRITE'] === '1') writeFileSync(page, withTable(text));
  else t.equal(text, withTable(text), 'REWRITE=1 node test/house/event-reasons.test.ts');
});
