/** EngineVersionService: what the hosts that can be reached have of each engine, or can install. */
import { compareVersions, type EngineFacts, type EngineParameter } from '../../daemon/engines/engine.ts';
import { ENGINES } from '../../daemon/engines/registry.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import {
  EngineAgentServiceService as agent,
  type EngineOffer,
} from '../../proto/gen/lockstep/agent/v1/engine.ts';
import {
  type EngineParameter as EngineParameterMessage,
  EngineParameterType,
  type EngineVersion,
  type EngineVersionServiceServer,
  type ListEngineVersionsRequest,
} from '../../proto/gen/lockstep/v1/engine_service.ts';
import type { Agents } from '../agents.ts';
import { engineFacts } from '../model/engine-parameters.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import { lastOf, pageSizeOf, pageToken } from './fields.ts';

/** A host may read all of its package index, once; one that does not answer is left out of the list. */
const LIST_MS = 8000;
/** Packages come and go by hand. */
const FRESH_MS = 10_000;
const LIST = 'engine-versions';

export interface EngineVersionOptions {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly observations: Observations;
  readonly nowMs: () => number;
  readonly log: Log;
}

interface Answer {
  readonly untilMs: number;
  readonly offers: Promise<readonly EngineOffer[]>;
}

export function engineVersionService(options: EngineVersionOptions): EngineVersionServiceServer {
  const answers = new Map<string, Answer>();
  return {
    listEngineVersions: unary(options.log, async (request: ListEngineVersionsRequest) => {
      const limit = pageSizeOf(request.pageSize);
      const after = lastOf(LIST, request.pageToken);
      const engines = request.engine === '' ? ENGINES : [engineFacts(request.engine)];
      const all = await versionsOf(options, answers, engines);
      // By its order rather than by its place: a version may have gone since the page before.
      const rest = after === undefined ? all : all.filter(({ name }) => compareNames(name, after) > 0);
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      const isEnd = last === undefined || rest.length === page.length;
      return { engineVersions: page, nextPageToken: isEnd ? '' : pageToken(LIST, last.name) };
    }),
  };
}

/** By engine, the newest version first. */
async function versionsOf(
  options: EngineVersionOptions,
  answers: Map<string, Answer>,
  engines: readonly EngineFacts[],
): Promise<EngineVersion[]> {
  const { repository, observations } = options;
  const hosts = [...(await repository.hosts()).values()]
    .filter(({ host, roles }) => roles.includes('storage') && observations.isReachable(host))
    .map(({ host }) => host)
    .sort();
  const offers = await Promise.all(
    hosts.map(async (host) => (await ask(options, answers, host)).map((offer) => ({ host, ...offer }))),
  );
  const versions = engines.flatMap((facts) => {
    const own = offers.flat().filter(({ engine }) => engine === facts.name);
    return [...new Set(own.map(({ version }) => version))].map((version) => {
      const having = own.filter((offer) => offer.version === version);
      return messageOf(
        facts,
        version,
        having.map(({ host }) => `hosts/${host}`),
      );
    });
  });
  return versions.sort((a, b) => compareNames(a.name, b.name));
}

/** Those who ask at once share a call, and those who ask soon again its answer; a failure is not kept. */
function ask(
  { agents, nowMs }: EngineVersionOptions,
  answers: Map<string, Answer>,
  host: string,
): Promise<readonly EngineOffer[]> {
  const known = answers.get(host);
  if (known !== undefined && nowMs() < known.untilMs) return known.offers;
  const offers = agents.call(host, agent.listEngines, {}, { deadlineMs: LIST_MS }).then(
    ({ engines }) => engines,
    () => {
      answers.delete(host);
      return [];
    },
  );
  answers.set(host, { untilMs: nowMs() + FRESH_MS, offers });
  return offers;
}

function compareNames(a: string, b: string): number {
  const [, engineA = '', , versionA = ''] = a.split('/');
  const [, engineB = '', , versionB = ''] = b.split('/');
  return engineA === engineB ? compareVersions(versionB, versionA) : engineA < engineB ? -1 : 1;
}

function messageOf(facts: EngineFacts, version: string, hosts: string[]): EngineVersion {
  return {
    name: `engines/${facts.name}/versions/${version}`,
    engine: facts.name,
    version,
    hosts,
    minimumSizeBytes: BigInt(facts.minimumSizeBytes),
    defaultPort: facts.defaultPort,
    recoveryBoundSeconds: facts.recoveryBoundSeconds,
    parameters: facts.parameters.map(parameterOf),
  };
}

const TYPES = {
  integer: EngineParameterType.ENGINE_PARAMETER_TYPE_INTEGER,
  decimal: EngineParameterType.ENGINE_PARAMETER_TYPE_DECIMAL,
  boolean: EngineParameterType.ENGINE_PARAMETER_TYPE_BOOLEAN,
  choice: EngineParameterType.ENGINE_PARAMETER_TYPE_CHOICE,
} as const;

function parameterOf(parameter: EngineParameter): EngineParameterMessage {
  const { name, description, defaultValue, needsRestart, type } = parameter;
  const isNumber = type === 'integer' || type === 'decimal';
  return {
    ...{ name, description, defaultValue, needsRestart, type: TYPES[type] },
    minimum: isNumber ? String(parameter.minimum) : '',
    maximum: isNumber ? String(parameter.maximum) : '',
    unit: isNumber ? parameter.unit : '',
    choices: type === 'choice' ? [...parameter.choices] : [],
  };
}
