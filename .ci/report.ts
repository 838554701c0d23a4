/**
 * Raw TAP on stdin, a log that people read on stdout: one line for a test file that passed, and for one that failed all
 * of it but the points that passed. What is not TAP goes through. Writes `passed failed skipped` to the file that it
 * is given: tap's own totals.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const countsFile = process.argv[2];
let block: string[] | undefined;
let totals = '';

function close(line: string, lines: readonly string[]): void {
  const [, verdict = '', file = '', milliseconds = '0'] =
    /^(ok|not ok) \d+ - (\S+)(?:.*# time=([\d.]+)ms)?/.exec(line) ?? [];
  const count = (pattern: RegExp): number => lines.filter((each) => pattern.test(each)).length;
  const skipped = count(/^ +ok .*# (SKIP|TODO)/);
  const note = `${(Number(milliseconds) / 1000).toFixed(1)} s${skipped === 0 ? '' : `, ${skipped} skipped`}`;
  console.log(`${verdict === 'ok' ? 'ok    ' : 'FAILED'} ${file} (${note})`);
  const shown = verdict === 'ok' ? /# SKIP/ : /^(?! *(ok \d+ |# Subtest: |# time=|\d+\.\.\d+$))/;
  for (const each of lines) if (shown.test(each) && each.trim() !== '') console.log(`    ${each}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  totals = /^# (\{ total: .*\})$/.exec(line)?.[1] ?? totals;
  if (/^# Subtest: /.test(line)) block = [];
  else if (block !== undefined && /^(not )?ok \d+ /.test(line)) {
    close(line, block);
    block = undefined;
  } else if (block !== undefined) block.push(line);
  else if (line.trim() !== '') console.log(line);
}
// Without the line that ends a test file, the run was cut off in the midst of it: show what there is.
for (const line of block ?? []) console.log(line);

const total = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0);
if (countsFile !== undefined)
  writeFileSync(countsFile, `${total('pass')} ${total('fail')} ${total('skip') + total('todo')}\n`);
