/**
 * A primary whose process restarted is made equal to a member of its in-sync set, which holds what the primary holds
 * and perhaps writes that were in flight: the regions that the member has unstable are written over here. The member
 * that applied most is pulled from; another that applied less is not equal, and leaves the set until it was copied to.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { DiskFailure } from './interface.ts';
import type { Links } from './links.ts';
import type { Message } from './messages.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import { REGION_BYTES, type Region, type Sequence } from './units.ts';

type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;
type PullFrame = Extract<Message, { type: 'pull-region' | 'pull-done' }>;

export interface RecoveryParts {
  readonly primary: Primary;
  readonly links: Links;
  readonly onDiskFailure: (failure: DiskFailure) => void;
}

interface Pull {
  readonly peer: Peer;
  readonly link: number;
  readonly regions: Region[];
  writing: number;
  sentUpTo: Sequence | undefined;
}

export class Recovery {
  readonly #core: Core;
  readonly #parts: RecoveryParts;
  /** How far each member is that answered and can be gone on with. */
  readonly #applied = new Map<Peer, Sequence>();
  #begunAtMs = 0;
  #isPulling = false;
  #pull: Pull | undefined;

  constructor(core: Core, parts: RecoveryParts) {
    this.#core = core;
    this.#parts = parts;
  }

  get #isActive(): boolean {
    const isDecided = this.#core.durable.asking === '';
    return this.#core.state === 'RECOVERING' && isDecided && !this.#parts.primary.adopting;
  }

  begin(): void {
    this.abandon();
    this.#begunAtMs = this.#core.nowMs;
    this.#parts.primary.unstableKnown = false;
  }

  abandon(): void {
    this.#applied.clear();
    this.#pull = undefined;
    this.#isPulling = false;
  }

  helloAnswer(peer: Peer, answer: HelloAnswer): void {
    if (!answer.unstableKnown) {
      peer.isUnfit = true;
      this.#core.why = `${peer.host} cannot say what may differ: it restarted too, or its disk failed a write`;
      this.#parts.links.close(peer);
      return;
    }
    const { pulledFrom } = this.#core.durable;
    if (pulledFrom !== '' && pulledFrom !== peer.host) {
      peer.isUnfit = true;
      this.#core.why = `${peer.host} may lack what was pulled from ${pulledFrom} before this process started`;
      this.#parts.links.close(peer);
      return;
    }
    peer.ready = true;
    this.#applied.set(peer, answer.appliedSequence);
    this.#pullIfAllSpoke();
  }

  linkClosed(peer: Peer): void {
    this.#applied.delete(peer);
    if (this.#pull?.peer !== peer) return;
    this.#pull = undefined;
    this.#isPulling = false;
  }

  tick(): void {
    if (this.#core.state === 'RECOVERING') this.#pullIfAllSpoke();
  }

  /** False: it is nothing that a pull may send. */
  onFrame(peer: Peer, message: PullFrame, payload: Uint8Array | undefined): boolean {
    const pull = this.#pull;
    if (pull?.peer !== peer || pull.link !== peer.link) return true;
    if (message.type === 'pull-done') {
      pull.sentUpTo = message.appliedSequence;
      return true;
    }
    const { region } = message;
    const offset = region * REGION_BYTES;
    if (payload?.length !== REGION_BYTES || offset + REGION_BYTES > this.#core.sizeBytes) return false;
    pull.writing++;
    pull.regions.push(region);
    this.#core.write({ kind: 'data', offset, length: REGION_BYTES, data: payload }, (failure) => {
      pull.writing--;
      if (failure !== undefined) this.#parts.onDiskFailure(failure);
    });
    return true;
  }

  progress(): void {
    const pull = this.#pull;
    if (pull?.sentUpTo === undefined || pull.writing > 0 || !this.#isActive) return;
    const { sentUpTo, regions } = pull;
    for (const [peer, applied] of [...this.#applied]) {
      peer.isCovered = applied <= sentUpTo;
      if (applied === sentUpTo) continue;
      peer.isUnfit = true;
      this.#core.why = `${peer.host} had not applied all that ${pull.peer.host} had`;
      this.#parts.links.close(peer);
    }
    this.abandon();
    this.#recovered(sentUpTo, regions);
  }

  /**
   * Equal to each member of its set again: it is served, in the generation that there was. `unstable`: where the members
   * and this replica may differ on stable storage.
   */
  #recovered(sequence: Sequence, unstable: Iterable<Region>): void {
    const { primary, links } = this.#parts;
    primary.continueFrom(sequence, unstable);
    for (const peer of primary.required) peer.ackedSequence = sequence;
    if (this.#core.hostRebooted) this.#core.persist({ bootId: this.#core.options.bootId }, () => undefined);
    const missing = primary.required.filter(({ ready }) => !ready);
    // It may lack what was pulled, so that nothing may be read under its lease, and it cannot be gone on with.
    for (const peer of missing) peer.exclude();
    for (const peer of primary.required) if (peer.ready) peer.isCovered = true;
    if (missing.length === 0 && this.#core.durable.pulledFrom !== '')
      this.#core.persist({ pulledFrom: '' }, () => undefined);
    if (missing.length === 0) this.#core.transition('SERVING', primary.inSyncWith);
    else
      this.#core.transition('HOLDING', `${missing.map(({ host }) => host).join(' and ')} may not be equal`);
    for (const peer of primary.required) links.heartbeat(peer);
    primary.retryHeld();
  }

  /** Once every member was heard, or has been waited for long enough. */
  #pullIfAllSpoke(): void {
    if (this.#isPulling || !this.#isActive || this.#applied.size === 0) return;
    const { nowMs, options } = this.#core;
    const missing = this.#parts.primary.required.some((peer) => !peer.ready && !peer.isUnfit);
    if (missing && nowMs - this.#begunAtMs < options.silenceMs) return;
    this.#isPulling = true;
    // What is under way (of an earlier pull, of the time before it stepped down) must not land on what is pulled.
    this.#core.whenWritten(() => {
      this.#isPulling = false;
      const [first] = [...this.#applied].sort(([, a], [, b]) => b - a);
      if (!this.#isActive || first === undefined) return;
      const [peer] = first;
      assert(peer.link !== undefined, 'a member that answered has a link');
      this.#isPulling = true;
      this.#pull = { peer, link: peer.link, regions: [], writing: 0, sentUpTo: undefined };
      this.#askFor(this.#pull);
    });
  }

  /** Before the first byte: who else is a member may lack what comes, and after another death nobody would know. */
  #askFor(pull: Pull): void {
    const ask = (): void => {
      if (this.#pull !== pull || pull.peer.link !== pull.link) return;
      this.#core.send(pull.link, { type: 'pull', generation: this.#core.generation });
    };
    const { durable } = this.#core;
    const hasOthers = durable.view.inSync.length > 2;
    if (!hasOthers || durable.pulledFrom === pull.peer.host) ask();
    else this.#core.persist({ pulledFrom: pull.peer.host }, ask);
  }
}
