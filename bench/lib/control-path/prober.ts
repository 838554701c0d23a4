/**
 * Asks the daemons' control side, in a process and a session of its own: beside the load's processes it would wait for
 * them (sched(7), "The autogroup feature"). Its parent sends what to ask, and gets the answers' latencies.
 */
import { createSocket } from 'node:dgram';
import { Agent, get } from 'node:http';
import { Client, credentials } from '@grpc/grpc-js';
import { decode, encode } from 'dns-packet';
import { callUnary, methodOf } from '../../../daemon/sys/grpc-unary.ts';
import { AgentServiceService } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { askAll, type Probe } from './paced.ts';

export interface Questions {
  readonly seconds: number;
  readonly dns: { readonly host: string; readonly port: number; readonly name: string };
  readonly metricsUrl: string;
  readonly agent: string;
  readonly volume: string;
  readonly echoUrl: string;
}

const RATES = { dns: 50, metrics: 5, replica: 20, echo: 50 };
const LIMIT_MS = 5000;
const MAX_DNS_ID = 65_536;
const HTTP_OK = 200;

process.once('message', (questions: Questions) => {
  void answer(questions);
});
process.once('disconnect', () => {
  process.exit(0);
});

async function answer(questions: Questions): Promise<void> {
  const { dns, metricsUrl, agent, volume, echoUrl, seconds } = questions;
  const client = new Client(agent, credentials.createInsecure());
  const method = methodOf(client, AgentServiceService.getReplica);
  const probes: readonly Probe[] = [
    { name: 'DNS query to control', perSecond: RATES.dns, ask: dnsQuestion(dns) },
    { name: '/metrics of the primary', perSecond: RATES.metrics, ask: httpQuestion(metricsUrl) },
    {
      name: 'GetReplica of the primary',
      perSecond: RATES.replica,
      ask: async () => {
        await callUnary(method, { volume }, { deadlineMs: LIMIT_MS });
      },
    },
    { name: 'a bare HTTP server', perSecond: RATES.echo, ask: httpQuestion(echoUrl) },
  ];
  // Connections and compiled code are there before the first that counts.
  for (const { ask } of probes) await ask();
  process.send?.(await askAll(probes, seconds));
}

function httpQuestion(url: string): () => Promise<void> {
  const agent = new Agent({ keepAlive: true });
  return () =>
    new Promise((resolve, reject) => {
      const request = get(url, { agent, timeout: LIMIT_MS }, (response) => {
        response.resume();
        response.once('end', () => {
          if (response.statusCode === HTTP_OK) resolve();
          else reject(new Error(`${url} answered ${String(response.statusCode)}`));
        });
      });
      request.once('error', reject);
    });
}

function dnsQuestion({ host, port, name }: Questions['dns']): () => Promise<void> {
  const socket = createSocket('udp4');
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  socket.on('message', (packet) => {
    const { id = 0, answers } = decode(packet);
    const one = waiting.get(id);
    waiting.delete(id);
    if (answers?.some(({ type }) => type === 'A') === true) one?.resolve();
    else one?.reject(new Error(`no address of ${name}`));
  });
  let last = 0;
  return async () => {
    const id = ++last % MAX_DNS_ID;
    const one = Promise.withResolvers<void>();
    waiting.set(id, one);
    socket.send(encode({ type: 'query', id, questions: [{ type: 'A', name }] }), port, host);
    // UDP: what is lost is lost, and would else be waited for without end.
    const timer = setTimeout(() => {
      waiting.delete(id);
      one.reject(new Error(`no answer within ${String(LIMIT_MS)} ms`));
    }, LIMIT_MS);
    await one.promise.finally(() => {
      clearTimeout(timer);
    });
  };
}
