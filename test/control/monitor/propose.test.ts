import t from 'tap';
import { answerProposal, type Proposal } from '../../../control/monitor/propose.ts';
import { volume } from '../../support/control-records.ts';

const alone: Proposal = { host: 'a1', fromGeneration: 7, inSync: ['a1'], hostRebooted: false };
const nobody = (): boolean => false;

t.test('the primary goes on alone in the next generation', async (t) => {
  t.match(answerProposal(volume, alone, nobody), {
    accepted: true,
    next: { generation: 8, primary: 'a1', inSync: ['a1'], replicas: ['a1', 'b1'] },
    removed: ['b1'],
    added: [],
  });
});

t.test('the primary takes a replica into the set', async (t) => {
  const solo = { ...volume, inSync: ['a1'] };
  const answer = answerProposal(solo, { ...alone, inSync: ['a1', 'b1'] }, nobody);
  t.match(answer, {
    accepted: true,
    next: { generation: 8, inSync: ['a1', 'b1'] },
    added: ['b1'],
    removed: [],
  });
});

t.test('a proposal that breaks a rule is refused with the reason', async (t) => {
  const cases: readonly [proposal: Partial<Proposal>, reason: RegExp][] = [
    [{ host: 'b1', inSync: ['b1'] }, /a1 is the primary/],
    [{ fromGeneration: 6 }, /generation 7/],
    [{ fromGeneration: 8 }, /generation 7/],
    [{ inSync: ['b1'] }, /its own in-sync set/],
    [{ inSync: [] }, /its own in-sync set/],
    [{ inSync: ['a1', 'a1'] }, /twice/],
    [{ inSync: ['a1', 'c1'] }, /c1 is not a replica/],
    [{ hostRebooted: true }, /b1 is needed/],
  ];
  for (const [change, reason] of cases)
    t.match(answerProposal(volume, { ...alone, ...change }, nobody), { accepted: false, reason });
});

t.test('a restarted primary may drop a member that is known to be restarted as well', async (t) => {
  const rebooted = { ...alone, hostRebooted: true };
  t.match(
    answerProposal(volume, rebooted, (host) => host === 'b1'),
    { accepted: true },
  );
  const keeps = { ...rebooted, inSync: ['a1', 'b1'] };
  t.match(answerProposal(volume, keeps, nobody), { accepted: true }, 'it drops nobody');
});

t.test('a primary of three drops one, takes one in, or changes one for another', async (t) => {
  const three = { ...volume, replicas: ['a1', 'b1', 'c1'], inSync: ['a1', 'b1'] };
  const ask = (...inSync: string[]) => answerProposal(three, { ...alone, inSync }, nobody);
  t.match(ask('a1'), { accepted: true, added: [], removed: ['b1'] });
  t.match(ask('a1', 'b1', 'c1'), { accepted: true, added: ['c1'], removed: [] });
  t.match(ask('a1', 'c1'), {
    accepted: true,
    added: ['c1'],
    removed: ['b1'],
    next: { inSync: ['a1', 'c1'] },
  });
});

t.test('a restarted primary keeps the one that holds its writes, also where another stays', async (t) => {
  const three = { ...volume, replicas: ['a1', 'b1', 'c1'], inSync: ['a1', 'b1', 'c1'] };
  const ask = (inSync: string[], ...rebooted: string[]) =>
    answerProposal(three, { ...alone, inSync, hostRebooted: true }, (host) => rebooted.includes(host));
  t.match(ask(['a1', 'b1']), { accepted: false, reason: /c1 is needed/ });
  t.match(ask(['a1', 'b1'], 'c1'), { accepted: true });
  t.match(ask(['a1'], 'b1'), { accepted: false, reason: /c1 is needed/ });
  t.match(ask(['a1'], 'b1', 'c1'), { accepted: true });
});

t.test('nothing is granted from a record that is known to be behind', async (t) => {
  t.match(answerProposal(volume, alone, nobody, 'b1 holds generation 9'), {
    accepted: false,
    reason: 'b1 holds generation 9',
  });
});
