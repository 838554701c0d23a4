import t from 'tap';
import { CopyProgress } from '../../../client/cli/copy-progress.ts';

function shown(isTTY: boolean, percents: readonly number[]): string {
  let text = '';
  const write = (more: string): void => {
    text += more;
  };
  const progress = new CopyProgress({ isTTY, write }, 'Copy');
  for (const percent of percents) progress.update(percent);
  progress.end();
  return text;
}

t.test('into a pipe every tenth is a line, and none comes twice', async (t) => {
  t.equal(shown(false, [3, 9.9, 12, 12.4, 38, 38, 100, 100]), 'Copy\n  10 %\n  30 %\n  100 %\n');
});

t.test('on a terminal one line is written anew', async (t) => {
  t.equal(shown(true, [0, 0.4, 1.2, 100]), '\rCopy 0 %\rCopy 1 %\rCopy 100 %\n');
});
