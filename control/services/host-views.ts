/** Reads what the views of hosts and zones need, and builds them: for every service that shows a host. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Host, Zone } from '../../proto/gen/lockstep/v1/host_service.ts';
import { hostNames, type InstallationFacts, viewHost, viewZones } from '../model/host-view.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';

export interface HostViewOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly ownHost: string;
  readonly nowMs: () => number;
}

export class HostViews {
  readonly #options: HostViewOptions;

  constructor(options: HostViewOptions) {
    this.#options = options;
  }

  async facts(): Promise<InstallationFacts> {
    const { repository, observations, ownHost, nowMs } = this.#options;
    const [hosts, admins, volumes] = await Promise.all([
      repository.hosts(),
      repository.hostAdmins(),
      repository.volumes(),
    ]);
    const busy = await Promise.all(
      admins.map(async ({ value }) => [value.host, await this.#running(value.busyWith)] as const),
    );
    const { silenceMs, controlUpSinceMs } = observations;
    return {
      hosts,
      admins: new Map(admins.map((entry) => [entry.value.host, entry])),
      volumes: volumes.map(({ value }) => value),
      observed: observations.hosts,
      busyWith: new Map(busy.filter(([, workflow]) => workflow !== '')),
      ownHost,
      silenceMs,
      controlUpSinceMs,
      nowMs: nowMs(),
    };
  }

  /** By name. */
  async all(): Promise<readonly Host[]> {
    const facts = await this.facts();
    return hostNames(facts).map((name) => viewHost(facts, name));
  }

  async one(host: string): Promise<Host> {
    const facts = await this.facts();
    if (!hostNames(facts).includes(host)) throw hostUnknown(host);
    return viewHost(facts, host);
  }

  async zones(): Promise<readonly Zone[]> {
    return viewZones(await this.facts());
  }

  async #running(workflow: string): Promise<string> {
    const snapshot = workflow === '' ? undefined : await this.#options.engine.get(workflow);
    return snapshot === undefined || snapshot.standing.kind === 'finished' ? '' : workflow;
  }
}

export const hostUnknown = (host: string): LockstepError =>
  new LockstepError('NOT_FOUND', `there is no host ${host}`, {
    reason: 'HOST_NOT_FOUND',
    metadata: {
      subject: `hosts/${host}`,
      next: 'list the hosts there are: lockstep host list; one that is new reports by itself',
    },
  });
