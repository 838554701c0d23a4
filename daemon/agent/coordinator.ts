/** This host's line to control: heartbeats out, views in, and proposals of its primaries. */
import { channel } from 'node:diagnostics_channel';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { LockstepError, messageOf } from '../sys/errors.ts';
import { callUnary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { Proposal } from '../volume/volume.ts';
import {
  CoordinatorServiceClient,
  type HeartbeatRequest,
  type StorePosition,
  type VolumeView,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { viewOf } from './agent-service.ts';

export interface CoordinatorOptions {
  readonly server: string;
  readonly credentials: ChannelCredentials;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly describe: () => Promise<Omit<HeartbeatRequest, 'store'>>;
  readonly learn: (view: VolumeView) => void;
  /** How far the control store was when this host was told last, in this life of its process or one before. */
  readonly position: StorePosition | undefined;
  /** A newer one; it is to outlive the process. */
  readonly keepPosition: (position: StorePosition) => void;
  readonly log: Log;
}

/** Control that comes back must be found again within a heartbeat or two, not after a minute's backoff. */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.min_reconnect_backoff_ms': 50,
};

export interface HeartbeatReport {
  /** From when it was due to its answer: also what this process was late with. */
  readonly durationMs: number;
  readonly answered: boolean;
}

const heartbeatChannel = channel('lockstep:agent:heartbeat');

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #client: CoordinatorServiceClient;
  #timer: NodeJS.Timeout | undefined;
  #beating = false;
  #lastBeatMs = Infinity;
  /** Control answers and took the heartbeat; why not, in a word, else. */
  #standing = '';
  #position: StorePosition | undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#client = new CoordinatorServiceClient(options.server, options.credentials, CHANNEL_OPTIONS);
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
      store: this.#position,
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
    const startMs = performance.now();
    const dueMs = Math.min(startMs, this.#lastBeatMs + this.#options.heartbeatMs);
    this.#lastBeatMs = startMs;
    const views = await this.#exchange();
    this.#beating = false;
    if (heartbeatChannel.hasSubscribers)
      heartbeatChannel.publish({
        durationMs: performance.now() - dueMs,
        answered: this.#standing === REACHED,
      } satisfies HeartbeatReport);
    // Outside of what is caught: a replica that fails on a view has found a bug of ours, which has to stop the process.
    for (const view of views) this.#options.learn(view);
  }

  async #exchange(): Promise<readonly VolumeView[]> {
    try {
      const request = { ...(await this.#options.describe()), store: this.#position };
      const method = this.#client.heartbeat.bind(this.#client);
      const { views, store } = await callUnary(method, request, { deadlineMs: this.#options.silenceMs });
      this.#say(REACHED, '');
      this.#learnPosition(store);
      return views;
    } catch (error) {
      this.#say(standingOf(error), messageOf(error));
      return [];
    }
  }

  /**
   * Control that answered knows what this host had been told: an older position, of a store that came back so, is
   * taken over like any other.
   */
  #learnPosition(told: StorePosition | undefined): void {
    const known = this.#position;
    if (told === undefined || (told.run === known?.run && told.revision === known.revision)) return;
    this.#position = told;
    this.#options.keepPosition(told);
  }

  /** Once for each change: a host that was removed goes on asking, and is let in when it is registered again. */
  #say(standing: string, error: string): void {
    if (this.#standing === standing) return;
    this.#standing = standing;
    const { server, log } = this.#options;
    if (standing === REACHED) log.info({ server }, 'control is reached');
    else if (standing === UNREACHED)
      log.warn({ server, error }, 'control cannot be reached; I/O goes on, changes wait');
    else log.error({ server, error, reason: standing }, 'control refuses this host; it goes on asking');
  }
}

const REACHED = 'reached';
const UNREACHED = 'unreached';

/** What control itself refuses is no matter of the network. */
function standingOf(error: unknown): string {
  const isRefused =
    error instanceof LockstepError &&
    (error.code === 'FAILED_PRECONDITION' || error.code === 'ALREADY_EXISTS');
  return isRefused ? error.reason : UNREACHED;
}
