/** Every word that Lockstep says of a state, an event or an error is explained. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { explain, EXPLANATIONS } from '../../../client/cli/explanations.ts';
import { EVENT_REASONS } from '../../../control/model/event-reasons.ts';
import { transitions } from '../../../daemon/replication/states.ts';
import { DatabaseState, Redundancy } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { WorkflowState } from '../../../proto/gen/lockstep/v1/workflow_service.ts';

const root = resolve(import.meta.dirname, '../../..');

function wordsOf(values: object, prefix: string): readonly string[] {
  return Object.keys(values)
    .map((name) => name.replace(prefix, ''))
    .filter((word) => word !== 'UNSPECIFIED');
}

for (const [kind, words] of [
  ['state of a database', wordsOf(DatabaseState, 'DATABASE_STATE_')],
  ['redundancy', wordsOf(Redundancy, 'REDUNDANCY_')],
  ['state of a workflow', wordsOf(WorkflowState, 'WORKFLOW_STATE_')],
  ['state of a replica', Object.keys(transitions)],
  ['event', Object.keys(EVENT_REASONS)],
] as const)
  t.test(`every ${kind} has an entry: client/cli/explain-*.ts`, async (t) => {
    t.ok(words.length > 3);
    t.same(
      words.filter((word) => EXPLANATIONS[kind]?.[word] === undefined),
      [],
    );
  });

t.test('no event is explained that there is not', async (t) => {
  t.same(
    Object.keys(EXPLANATIONS['event'] ?? {}).filter((word) => !Object.hasOwn(EVENT_REASONS, word)),
    [],
  );
});

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));
}

/** As literals of a `reason`, or as the first argument of the functions that make refusals. */
function reasonsInSource(): readonly string[] {
  const text = [...sources('control'), ...sources('daemon'), ...sources('client')].join('\n');
  const found = text.matchAll(
    /\breason: (?:[^,;'\n]*\? )?'([A-Z][A-Z0-9_]+)'|\b(?:failure|refused|refusal|unusable|broken)\(\s*'([A-Z][A-Z0-9_]+)'|\? '([A-Z]+_[A-Z0-9_]+)' : '([A-Z]+_[A-Z0-9_]+)'/g,
  );
  return [...new Set([...found].flatMap((match) => match.slice(1)).filter((word) => word !== undefined))];
}

t.test('every reason of an error in the source is explained, by an entry or by its family', async (t) => {
  const reasons = reasonsInSource();
  t.ok(reasons.length > 100, `${String(reasons.length)} reasons`);
  t.same(
    reasons.filter((reason) => explain(reason).length === 0).sort(),
    [],
    'add an entry or a family to client/cli/explain-errors.ts',
  );
});

t.test('a word is found as people write it', async (t) => {
  for (const text of ['in_sync', 'In Sync', 'REDUNDANCY_IN_SYNC', 'in-sync'])
    t.match(explain(text), [{ kind: 'redundancy', word: 'IN_SYNC' }], text);
});

t.test('a word with several meanings has all of them', async (t) => {
  t.same(
    explain('UNAVAILABLE').map(({ kind }) => kind),
    ['state of a database', 'code of an error'],
  );
});

t.test('a word that is none of ours is not explained', async (t) => {
  t.same(explain('HOUSE'), []);
  t.same(explain('constructor'), []);
});

t.test(
  'every explanation says what it means, whether data is at risk and what to do, in sentences',
  async (t) => {
    for (const [kind, entries] of Object.entries(EXPLANATIONS))
      for (const [word, parts] of Object.entries(entries)) {
        t.equal(parts.length, 3);
        for (const part of parts) t.match(part, /^[A-Z"].{5,}/, `${kind} ${word}`);
      }
  },
);
