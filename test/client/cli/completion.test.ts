/** The completion scripts, as the shells themselves see them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { completionScript } from '../../../client/cli/completion.ts';
import { makeProgram } from '../../../client/cli/program.ts';

const script = completionScript('bash', makeProgram());

/** What bash offers after these words, the last of them being begun. */
function offered(...words: readonly string[]): readonly string[] {
  const run = `${script}
    COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _lockstep; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', run, 'bash', 'lockstep', ...words], {
    encoding: 'utf8',
  });
  t.equal(stderr, '');
  return stdout.split('\n').filter((word) => word !== '');
}

t.test('bash reads its script', async (t) => {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
  t.equal(`${String(status)} ${stderr}`, '0 ');
});

t.test('the first word is completed', async (t) => {
  t.same(offered('data'), ['database']);
  for (const word of ['status', 'host', 'explain', 'help']) t.ok(offered('').includes(word), word);
});

t.test('the words of a command are completed, also behind options with values', async (t) => {
  t.same(offered('database', 'un'), ['undelete']);
  t.same(offered('--server', 'a:1', 'host', 'unc'), ['uncordon']);
  t.same(offered('volume', 'snapshot', 'cr'), ['create']);
  t.same(offered('database', 'create', 'database', ''), [], 'a name that is also a command is a name');
});

t.test('options are those of the command and of all', async (t) => {
  t.same(offered('database', 'create', 'x', '--si'), ['--size', '--single']);
  t.same(offered('database', 'get', 'x', '--serv'), ['--server']);
  t.notOk(offered('database', 'get', 'x', '--').includes('--size'));
});

t.test('values of a fixed list are completed, others are left to the person', async (t) => {
  t.same(offered('database', 'convert', 'x', '--to', ''), ['replicated', 'single']);
  t.same(offered('-o', 'j'), ['json']);
  t.same(offered('completion', ''), ['bash', 'zsh', 'fish']);
  t.same(offered('explain', 'FENC'), ['FENCED']);
  t.same(offered('database', 'create', 'x', '--size', ''), []);
});

t.test('a file is completed where one is wanted', async (t) => {
  const folder = t.testdir({ 'ca.pem': '' });
  t.same(offered('--tls-ca', join(folder, 'c')), [join(folder, 'ca.pem')]);
});

t.test('the scripts for zsh and fish have every command', async (t) => {
  const zsh = completionScript('zsh', makeProgram());
  t.match(zsh, /^#compdef lockstep\n/);
  t.ok(zsh.includes(script));
  const fish = completionScript('fish', makeProgram());
  t.match(fish, `-n '__lockstep_at "database"' -f -a 'switchover'`);
  t.match(fish, `-n '__lockstep_at "database convert"' -l to -r -f -a 'replicated single'`);
  t.equal(fish.replaceAll(/\\\\|\\'/g, '').split("'").length % 2, 1, 'every quotation is closed');
});
