import t from 'tap';
import { cpuNumbers, optionsOf } from '../../bench/lib/speed/options.ts';

const allowed = {
  works: ['write', 'read'],
  setups: ['own', 'peer', 'file'],
  profiled: ['own'],
  cpus: '0-1,4',
};
const parse = (...argv: string[]): ReturnType<typeof optionsOf> => optionsOf(argv, allowed);

t.test('without options all is measured, on all processors', async (t) => {
  t.match(parse(), {
    works: allowed.works,
    setups: allowed.setups,
    isPart: false,
    rounds: 5,
    seconds: 3,
    sizeMib: 1024,
    cpus: '0-1,4',
    profile: false,
  });
});

t.test('names are taken in the order of the tables', async (t) => {
  const options = parse('--only', 'read, write', '--setups=file,own', '--cpus', '4');
  t.match(options, { works: ['write', 'read'], setups: ['own', 'file'], cpus: '4', isPart: true });
});

t.test('a profile is of our own setups alone', async (t) => {
  t.strictSame(parse('--profile').setups, ['own']);
  t.throws(() => parse('--profile', '--setups', 'peer'), {
    message: '--setups with --profile is "peer"; allowed: own, with commas between them',
  });
});

t.test('a refusal names the option, its value and what is allowed', async (t) => {
  const refused = (...argv: string[]): string => {
    try {
      parse(...argv);
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  t.equal(
    refused('--only', 'write,erase'),
    '--only is "erase"; allowed: write, read, with commas between them',
  );
  t.equal(refused('--only', ''), '--only is ""; allowed: write, read, with commas between them');
  t.equal(refused('--rounds', '0'), '--rounds is "0"; allowed: a whole number from 1');
  t.equal(refused('--seconds', '1.5'), '--seconds is "1.5"; allowed: a whole number from 1');
  t.equal(refused('--size-mib', '8'), '--size-mib is "8"; allowed: a whole number from 16');
  t.equal(refused('--cpus', '1-2'), '--cpus is "1-2"; allowed: some of 0-1,4, as in 0,2-3');
  t.equal(refused('--cpus', '1-0'), '--cpus is "1-0"; allowed: some of 0-1,4, as in 0,2-3');
  t.match(refused('--round', '3'), /^Unknown option '--round'; allowed: --only VALUE, .*--rounds VALUE/);
});

t.test('a list of processors has ranges and single ones', async (t) => {
  t.strictSame(cpuNumbers('0,2-4'), [0, 2, 3, 4]);
});
