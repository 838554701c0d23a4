/** This host's line to control: heartbeats out, views in, and proposals of its primaries. */
import { credentials } from '@grpc/grpc-js';
import { messageOf } from '../sys/errors.ts';
import { callUnary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { Proposal } from '../volume/volume.ts';
import {
  CoordinatorServiceClient,
  type HeartbeatRequest,
  type VolumeView,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { viewOf } from './agent-service.ts';

export interface CoordinatorOptions {
  readonly server: string;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly describe: () => Promise<HeartbeatRequest>;
  readonly learn: (view: VolumeView) => void;
  readonly log: Log;
}

/** Control that comes back must be found again within a heartbeat or two, not after a minute's backoff. */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.min_reconnect_backoff_ms': 50,
};

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #client: CoordinatorServiceClient;
  #timer: NodeJS.Timeout | undefined;
  #beating = false;
  #reachable: boolean | undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#client = new CoordinatorServiceClient(
      options.server,
      credentials.createInsecure(),
      CHANNEL_OPTIONS,
    );
  }

  start(): void {
    this.#timer = setInterval(() => {
      void this.#beat();
    }, this.#options.heartbeatMs);
    void this.#beat();
  }

  /** An unknown outcome is an error: the proposal may have been granted, and is to be made again. */
  async propose(
    host: string,
    proposal: Proposal,
  ): Promise<{ view: ReturnType<typeof viewOf> | undefined; reason: string }> {
    const { volume, fromGeneration, inSync, hostRebooted, reason } = proposal;
    const request = {
      host,
      volume,
      fromGeneration: BigInt(fromGeneration),
      inSync: [...inSync],
      hostRebooted,
      reason,
    };
    const method = this.#client.proposeView.bind(this.#client);
    const answer = await callUnary(method, request, { deadlineMs: this.#options.silenceMs });
    if (answer.view !== undefined) this.#options.learn(answer.view);
    return {
      view: answer.view === undefined ? undefined : viewOf(answer.view),
      reason: answer.accepted ? '' : answer.reason,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#client.close();
  }

  /** One at a time: a slow control must not be sent a queue of old news. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    const views = await this.#exchange();
    this.#beating = false;
    // Outside of what is caught: a replica that fails on a view has found a bug of ours, which has to stop the process.
    for (const view of views) this.#options.learn(view);
  }

  async #exchange(): Promise<readonly VolumeView[]> {
    try {
      const request = await this.#options.describe();
      const method = this.#client.heartbeat.bind(this.#client);
      const { views } = await callUnary(method, request, { deadlineMs: this.#options.silenceMs });
      this.#say(true, '');
      return views;
    } catch (error) {
      this.#say(false, messageOf(error));
      return [];
    }
  }

  #say(reachable: boolean, error: string): void {
    if (this.#reachable === reachable) return;
    this.#reachable = reachable;
    const { server, log } = this.#options;
    if (reachable) log.info({ server }, 'control is reached');
    else log.warn({ server, error }, 'control cannot be reached; I/O goes on, changes wait');
  }
}
