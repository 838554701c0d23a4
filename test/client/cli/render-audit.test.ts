/** `lockstep doctor`: what is shown, and what it ends with. */
import { execFile } from 'node:child_process';
import t from 'tap';
import { auditJson, isClean, renderAudit } from '../../../client/cli/render-audit.ts';
import { plain } from '../../../client/cli/text.ts';
import { AuditClusterResponse, AuditKind } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

const answer = (change: Parameters<typeof AuditClusterResponse.fromPartial>[0]): AuditClusterResponse =>
  AuditClusterResponse.fromPartial({ time: new Date(0), checked: 12, ...change });
const mount = {
  kind: AuditKind.AUDIT_KIND_MOUNT,
  host: 'hosts/host-b',
  subject: '/s/mnt/stray\u001b[2J',
  what: 'a mount of volumes/stray, which no record knows',
  nextStep: 'lockstep doctor --repair takes it away',
};
const device = { ...mount, kind: AuditKind.AUDIT_KIND_DEVICE, subject: '/dev/loop3' };

t.test('nothing found is one line', async (t) => {
  t.equal(renderAudit(answer({}), plain), 'nothing is left to do; 12 things looked at\n');
  t.ok(isClean(answer({})));
});

t.test('findings are a table, and what to do about several of them is said once', async (t) => {
  const text = renderAudit(answer({ findings: [mount, device] }), plain);
  t.match(text, /^KIND +HOST +SUBJECT +WHAT IS WRONG\nMOUNT +host-b +\/s\/mnt\/stray\\x1b\[2J +a mount of/);
  t.match(text, /What to do:\n {2}\/s\/mnt\/stray\S* and \/dev\/loop3: lockstep doctor --repair/);
  t.match(text, /\n2 findings left; 12 things looked at\n$/);
  t.notOk(isClean(answer({ findings: [mount] })));
});

t.test('what was repaired is said, and is nothing to do', async (t) => {
  const repaired = answer({ findings: [{ ...mount, repaired: true, nextStep: '' }] });
  t.match(
    renderAudit(repaired, plain),
    /repaired: a mount.*\n.*\n?1 finding repaired; nothing is left to do/,
  );
  t.ok(isClean(repaired));
});

t.test('a host that was not asked is no clean bill', async (t) => {
  const partly = answer({ unreachable: ['hosts/host-b'] });
  t.match(renderAudit(partly, plain), /not asked.*host-b/);
  t.notOk(isClean(partly));
  t.match(auditJson(partly), { clean: false, unreachable: ['host-b'], findings: [] });
});

const CLI = new URL('../../../client/cli/main.ts', import.meta.url).pathname;

function doctor(
  harness: ControlHarness,
  ...flags: readonly string[]
): Promise<{ code: number; out: string }> {
  const args = [CLI, '--server', harness.address, 'doctor', ...flags];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out) => {
      resolve({ code: error === null ? 0 : Number(error.code), out });
    });
  });
}

t.test('the command ends with 0, or with 1 while something is left', async (t) => {
  const harness = await ControlHarness.open(t);
  t.match(await doctor(harness), { code: 0, out: /nothing is left to do/ });
  harness.b.mounts.add('stray');
  t.match(await doctor(harness), { code: 1, out: /MOUNT +host-b +\/mnt\/stray/ });
  t.match(await doctor(harness, '--repair'), { code: 0, out: /1 finding repaired/ });
  t.match(await doctor(harness), { code: 0 });
});
