/** The installation as a whole. */
import {
  type AuditClusterResponse,
  ClusterServiceService as methods,
  type ClusterStatus,
} from '../proto/gen/lockstep/v1/cluster_service.ts';
import type { CallSettings } from './calls.ts';
import type { Transport } from './transport.ts';

/** Every host is asked what it holds. */
const AUDIT_MS = 60_000;

export class Cluster {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Databases, hosts and running operations, read at one instant. */
  status(settings: CallSettings = {}): Promise<ClusterStatus> {
    return this.#transport.repeated(methods.getClusterStatus, {}, settings);
  }

  /**
   * What is on the hosts and no record accounts for. `repair`: what can be removed without a loss of data is removed;
   * that is never tried again by itself, since the second answer would not have what the first removed.
   */
  audit({
    repair = false,
    ...settings
  }: CallSettings & { readonly repair?: boolean } = {}): Promise<AuditClusterResponse> {
    const patient = { deadlineMs: AUDIT_MS, ...settings };
    return repair
      ? this.#transport.once(methods.auditCluster, { repair }, patient)
      : this.#transport.repeated(methods.auditCluster, { repair }, patient);
  }
}
