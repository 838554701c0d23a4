/**
 * Judges the transmission phase: every reply is to a request that was sent and not answered before, is what that
 * request may come to, and every request gets one.
 */
import { CMD, EXTENDED_REPLY_MAGIC, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from './protocol.ts';
import { addChunk, type Chunk, type OpenReply, replyFault } from './reply-chunks.ts';
import { type SentRequest, sentRequests, type Terms } from './requests.ts';
import { isPattern } from './world.ts';

/** What is wrong, in words. */
export type Finding = string | undefined;

export interface TransmissionVerdict {
  readonly finding: Finding;
  readonly complete: boolean;
  readonly sent: readonly SentRequest[];
  readonly answered: number;
  readonly failed: number;
  /** Two requests shared a cookie, so that nobody can say which one was answered: nothing behind it was looked at. */
  readonly ambiguous: boolean;
}

export interface TransmissionTalk extends Terms {
  readonly client: Buffer;
  readonly server: Buffer;
  readonly closed: boolean;
  readonly cutOff?: boolean | undefined;
}

const ERRORS = [1, 5, 12, 22, 28, 75, 95, 108];
const SIMPLE_BYTES = 16;

export function judgeTransmission(talk: TransmissionTalk): TransmissionVerdict {
  return new Replies(talk).judge();
}

class Replies {
  readonly #talk: TransmissionTalk;
  readonly #open = new Map<bigint, OpenReply[]>();
  #at = 0;
  #finding: Finding;
  #ambiguous = false;
  #answered = 0;
  #failed = 0;

  constructor(talk: TransmissionTalk) {
    this.#talk = talk;
  }

  judge(): TransmissionVerdict {
    const { requests, end } = sentRequests(this.#talk.client, this.#talk);
    for (const request of requests) {
      const open = this.#open.get(request.cookie);
      if (open === undefined) this.#open.set(request.cookie, [{ request, chunks: [] }]);
      else open.push({ request, chunks: [] });
    }
    while (this.#finding === undefined && !this.#ambiguous && this.#reply());
    const counts = { sent: requests, answered: this.#answered, failed: this.#failed };
    const verdict = (finding: Finding, complete: boolean): TransmissionVerdict => ({
      finding,
      complete,
      ...counts,
      ambiguous: this.#ambiguous,
    });
    if (this.#finding !== undefined) return verdict(this.#finding, true);
    const { closed, server } = this.#talk;
    if (this.#ambiguous) return verdict(undefined, closed);
    // Whoever breaks the protocol is hung up on, whatever is still owed.
    if (end === 'garbage') return verdict(undefined, closed);
    const isOwed = this.#answered < requests.length || this.#at < server.length;
    if (isOwed && this.#talk.cutOff === true) return verdict(undefined, true);
    if (closed && isOwed)
      return verdict(
        `closed with ${requests.length - this.#answered} of ${requests.length} requests unanswered`,
        true,
      );
    if (closed && end !== 'DISC') return verdict('closed for no reason, in the transmission phase', true);
    return verdict(undefined, !isOwed && (end !== 'DISC' || closed));
  }

  /** False: there is no whole one. */
  #reply(): boolean {
    const { server } = this.#talk;
    if (this.#at + SIMPLE_BYTES > server.length) return false;
    const magic = server.readUInt32BE(this.#at);
    if (magic === SIMPLE_REPLY_MAGIC) return this.#simple();
    const expected = { simple: 0, structured: STRUCTURED_REPLY_MAGIC, extended: EXTENDED_REPLY_MAGIC }[
      this.#talk.style
    ];
    if (magic === expected) return this.#chunk(this.#talk.style === 'extended');
    return this.#found(`a reply has the magic 0x${magic.toString(16)}`);
  }

  #simple(): boolean {
    const { server, style } = this.#talk;
    if (style === 'extended') return this.#found('a simple reply in spite of extended headers');
    const error = server.readUInt32BE(this.#at + 4);
    const open = this.#openOf(server.readBigUInt64BE(this.#at + 8));
    if (open === undefined) return false;
    const { request } = open;
    const isRead = request.command === CMD.READ;
    if (style === 'structured' && isRead) return this.#found('a READ got a simple reply');
    if (request.command === CMD.BLOCK_STATUS && error === 0)
      return this.#found('a BLOCK_STATUS got a simple reply');
    if (open.chunks.length > 0) return this.#found('a simple reply behind chunks');
    const length = isRead && error === 0 ? Number(request.length) : 0;
    if (this.#at + SIMPLE_BYTES + length > server.length) return false;
    const data = server.subarray(this.#at + SIMPLE_BYTES, this.#at + SIMPLE_BYTES + length);
    this.#at += SIMPLE_BYTES + length;
    if (!isPattern(data, Number(request.offset))) return this.#found('a READ got other bytes');
    return this.#done(request, error);
  }

  #chunk(isExtended: boolean): boolean {
    const { server } = this.#talk;
    const headerBytes = isExtended ? 32 : 20;
    const at = this.#at;
    if (at + headerBytes > server.length) return false;
    const open = this.#openOf(server.readBigUInt64BE(at + 8));
    if (open === undefined) return false;
    const length = isExtended ? Number(server.readBigUInt64BE(at + 24)) : server.readUInt32BE(at + 16);
    if (isExtended && server.readBigUInt64BE(at + 16) !== open.request.offset)
      return this.#found('a chunk has another offset than its request');
    if (at + headerBytes + length > server.length) return false;
    this.#at = at + headerBytes + length;
    const payload = server.subarray(at + headerBytes, this.#at);
    const chunk: Chunk = { flags: server.readUInt16BE(at + 4), type: server.readUInt16BE(at + 6), payload };
    const { fault, isLast } = addChunk(open, chunk, isExtended);
    if (fault !== undefined) return this.#found(fault);
    if (!isLast) return true;
    const { error, fault: whole } = replyFault(open, this.#talk);
    return whole === undefined ? this.#done(open.request, error) : this.#found(whole);
  }

  /** The one request of the cookie that is not answered. */
  #openOf(cookie: bigint): OpenReply | undefined {
    const [first, ...others] = this.#open.get(cookie) ?? [];
    if (first === undefined) {
      this.#finding = `a reply has the cookie ${cookie}, of which no request is open`;
      return undefined;
    }
    if (others.some(({ request }) => !isAlike(request, first.request))) {
      this.#ambiguous = true;
      return undefined;
    }
    return first;
  }

  #done(request: SentRequest, error: number): boolean {
    if (error !== 0 && !ERRORS.includes(error)) return this.#found(`an error is ${error}`);
    const { outcome } = request;
    if (outcome === 'success' && error !== 0 && !isDiskError(error, request))
      return this.#found(`${describe(request)} failed with ${error}`);
    if (outcome === 'error' && error === 0) return this.#found(`${describe(request)} succeeded`);
    this.#open.get(request.cookie)?.shift();
    this.#answered++;
    if (error !== 0) this.#failed++;
    return true;
  }

  #found(finding: string): false {
    this.#finding = finding;
    return false;
  }
}

/** The disk of this world fails some changes with EIO or ENOSPC, and some reads with EIO. A block status is a read. */
function isDiskError(error: number, { command }: SentRequest): boolean {
  const usesDisk = command !== CMD.CACHE;
  return usesDisk && (error === 5 || (error === 28 && command !== CMD.READ && command !== CMD.BLOCK_STATUS));
}

function isAlike(one: SentRequest, other: SentRequest): boolean {
  return (
    one.command === other.command &&
    one.flags === other.flags &&
    one.offset === other.offset &&
    one.length === other.length
  );
}

function describe({ command, flags, offset, length }: SentRequest): string {
  return `command ${command} with flags ${flags}, offset ${offset} and length ${length}`;
}
