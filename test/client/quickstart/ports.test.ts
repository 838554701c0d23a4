import { createServer } from 'node:net';
import t from 'tap';
import { planOf } from '../../../client/quickstart/plan.ts';
import { checkPorts, socketInodes } from '../../../client/quickstart/ports.ts';
import { processInfo } from '../../../client/quickstart/processes.ts';

const plan = planOf({ stateDir: '/var/lib/try', network: '127.0.77', dnsPort: 5353 });
const [, hostA] = plan.hosts;

async function holdMetricsPort(t: { teardown(work: () => void): void }): Promise<void> {
  const server = createServer();
  t.teardown(() => {
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen({ host: hostA.address, port: 7402 }, resolve);
  });
}

t.test('free ports pass', async (t) => {
  await t.resolves(checkPorts(plan, hostA, []));
});

t.test('a port in use is named with its purpose, its holder, and what to do', async (t) => {
  await holdMetricsPort(t);
  await t.rejects(checkPorts(plan, hostA, []), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: new RegExp(
      `^127\\.0\\.77\\.11:7402/tcp, which metrics needs, is in use by node \\(pid ${String(process.pid)}\\)$`,
    ),
  });
});

t.test("a port that the host's own process holds is not in the way", async (t) => {
  await holdMetricsPort(t);
  const own = await processInfo(process.pid);
  await t.resolves(checkPorts(plan, hostA, own === undefined ? [] : [own]));
});

t.test('the table of the kernel is read: address, port and state', async (t) => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0B4D007F:1CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1',
    '   1: 00000000:1CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1',
    '   2: 0B4D007F:1CEA 0B4D007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4713 1',
    '   3: 0C4D007F:1CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1',
  ].join('\n');
  const wanted = { protocol: 'tcp', address: '127.0.77.11', port: 7402, purpose: 'metrics' } as const;
  t.same(socketInodes(table, wanted), ['4711', '4712']);
});
