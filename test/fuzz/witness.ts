/**
 * Judges one session by what either side said, from the protocol's text alone: what the client said is decoded anew,
 * and whatever the server answered has to be an answer to it. Both parts can be read at any time; more may follow as
 * long as nobody has closed.
 */
import { handshakeReplies, type OptionReply } from './option-replies.ts';
import { GREETING, OPT, OPTION_MAGIC, REP } from './protocol.ts';
import { type Finding, judgeTransmission, type TransmissionVerdict } from './transmission-witness.ts';
import { ABSENT, EXPORTS, type FuzzExport } from './world.ts';

export interface Conversation {
  readonly client: Buffer;
  readonly server: Buffer;
  /** By the server. */
  readonly closed: boolean;
  /** The end of what the server said was lost on the way. */
  readonly cutOff?: boolean;
}

export interface Verdict {
  /** What the server may not do; undefined where there is nothing to say against it so far. */
  readonly finding: string | undefined;
  /** Nothing more is owed by the server: it has answered, or closed for a reason. */
  readonly complete: boolean;
  readonly options: number;
  readonly transmission: TransmissionVerdict | undefined;
}

type Style = 'simple' | 'structured' | 'extended';

/** A server may hang up on a client that only asks, but not on a real one. */
const OPTIONS_AT_LEAST = 16;
const OPTIONS_AT_MOST = 64;
/** Of one option; the longest that a client has use for is a name of 4096 bytes and some. */
const OPTION_DATA_BYTES = 16 * 1024;
const STRING_BYTES = 4096;
const OPTION_HEADER_BYTES = 16;
const EXPORT_BYTES = 10;
const ZEROES_BYTES = 124;

class Handshake {
  readonly #conversation: Conversation;
  #client = 0;
  #server = GREETING.length;
  #options = 0;
  #zeroes = true;
  #style: Style = 'simple';
  #contexts: { readonly name: string; readonly ids: readonly number[] } = { name: '', ids: [] };

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  judge(): Verdict {
    const { client, server } = this.#conversation;
    if (!server.subarray(0, GREETING.length).equals(GREETING.subarray(0, server.length)))
      return this.#found('the greeting is another');
    if (server.length < GREETING.length) return this.#waiting('the greeting');
    if (client.length < 4) return this.#idle();
    const flags = client.readUInt32BE(0);
    this.#client = 4;
    if (flags > 3) return this.#mustClose('unknown client flags');
    this.#zeroes = (flags & 2) === 0;
    for (;;) {
      const verdict = this.#option();
      if (verdict !== undefined) return verdict;
    }
  }

  /** Undefined: answered, and the next one follows. */
  #option(): Verdict | undefined {
    const { client } = this.#conversation;
    const left = client.length - this.#client;
    if (left < OPTION_HEADER_BYTES) {
      const known = Math.min(left, 8);
      const magic = Buffer.alloc(8);
      magic.writeBigUInt64BE(OPTION_MAGIC);
      const isWrong = magic.compare(client, this.#client, this.#client + known, 0, known) !== 0;
      return this.#conversation.closed && isWrong ? this.#closedFor() : this.#idle();
    }
    if (client.readBigUInt64BE(this.#client) !== OPTION_MAGIC) return this.#mustClose('a wrong option magic');
    const number = client.readUInt32BE(this.#client + 8);
    const length = client.readUInt32BE(this.#client + 12);
    if (length > OPTION_DATA_BYTES) return this.#mustClose('an option that is too long');
    if (left < OPTION_HEADER_BYTES + length) return this.#idle();
    const start = this.#client + OPTION_HEADER_BYTES;
    this.#client = start + length;
    this.#options++;
    if (this.#options > OPTIONS_AT_MOST) return this.#mustClose(`${this.#options} options`);
    const data = client.subarray(start, start + length);
    return number === OPT.EXPORT_NAME ? this.#exportName(data) : this.#answered(number, data);
  }

  #exportName(data: Buffer): Verdict {
    const found =
      this.#style === 'extended' ? undefined : EXPORTS.find(({ name }) => name === data.toString());
    if (found === undefined) return this.#mustClose('EXPORT_NAME of what is not served');
    const { server } = this.#conversation;
    const length = EXPORT_BYTES + (this.#zeroes ? ZEROES_BYTES : 0);
    const reply = server.subarray(this.#server, this.#server + length);
    if (reply.length < length) return this.#waiting('the reply to EXPORT_NAME');
    const fault = exportFault(reply, found, this.#style);
    if (fault !== undefined) return this.#found(`EXPORT_NAME: ${fault}`);
    if (reply.subarray(EXPORT_BYTES).some((byte) => byte !== 0)) return this.#found('EXPORT_NAME: no zeroes');
    this.#server += length;
    return this.#transmit(found);
  }

  #answered(number: number, data: Buffer): Verdict | undefined {
    const { server, closed } = this.#conversation;
    const { replies, end, fault } = handshakeReplies(server, this.#server, number);
    if (fault !== undefined) return this.#found(`option ${number}: ${fault}`);
    const last = replies.at(-1);
    if (last === undefined || !isFinal(last)) {
      const hadEnough = closed && replies.length === 0 && this.#options > OPTIONS_AT_LEAST;
      return hadEnough ? this.#closedFor() : this.#waiting(`the reply to option ${number}`);
    }
    this.#server = end;
    const refused = last.type >= REP.ERROR_BIT;
    if (refused && replies.length > 1) return this.#found(`option ${number}: an error behind other replies`);
    switch (number) {
      case OPT.ABORT:
        return refused ? this.#found('ABORT is refused') : this.#mustClose('ABORT');
      case OPT.GO:
      case OPT.INFO:
        return this.#info(number, data, replies, refused);
      case OPT.LIST:
        if (!refused && replies.length !== EXPORTS.length + 1) return this.#found('LIST is not the exports');
        return this.#expectRefusal('LIST', refused, data.length > 0);
      case OPT.STRUCTURED_REPLY:
      case OPT.EXTENDED_HEADERS:
        return this.#styleAsked(number, data, refused, last.type);
      case OPT.SET_META_CONTEXT:
      case OPT.LIST_META_CONTEXT:
        return this.#contextsAsked(number, data, replies, refused);
      default:
        // No TLS in this world, and no option beyond those of the protocol.
        return refused ? undefined : this.#found(`option ${number} is acknowledged`);
    }
  }

  #styleAsked(number: number, data: Buffer, refused: boolean, type: number): Verdict | undefined {
    if (type === REP.ERR_UNSUP) return this.#found(`option ${number} is unknown to the server`);
    const isTooLate = number === OPT.STRUCTURED_REPLY && this.#style === 'extended';
    const verdict = this.#expectRefusal(`option ${number}`, refused, data.length > 0 || isTooLate);
    if (!refused) this.#style = number === OPT.EXTENDED_HEADERS ? 'extended' : 'structured';
    return verdict;
  }

  #info(
    number: number,
    data: Buffer,
    replies: readonly OptionReply[],
    refused: boolean,
  ): Verdict | undefined {
    const name = nameOfInfo(data);
    const found = name === undefined ? undefined : EXPORTS.find((one) => one.name === name);
    const verdict = this.#expectRefusal(`option ${number}`, refused, found === undefined);
    if (verdict !== undefined || found === undefined) return verdict;
    const infos = replies.slice(0, -1).map((reply) => reply.data);
    const sizes = infos.filter((info) => info.readUInt16BE(0) === 0);
    const [size] = sizes;
    if (size === undefined || sizes.length > 1)
      return this.#found(`option ${number}: ${sizes.length} times its size`);
    const fault = exportFault(size.subarray(2), found, this.#style);
    if (fault !== undefined) return this.#found(`option ${number}: ${fault}`);
    const types = infos.map((info) => info.readUInt16BE(0));
    if (new Set(types).size !== types.length) return this.#found(`option ${number}: an information twice`);
    return number === OPT.GO ? this.#transmit(found) : undefined;
  }

  #contextsAsked(
    number: number,
    data: Buffer,
    replies: readonly OptionReply[],
    refused: boolean,
  ): Verdict | undefined {
    const sets = number === OPT.SET_META_CONTEXT;
    if (sets) this.#contexts = { name: '', ids: [] };
    const name = nameOfMetaQuery(data);
    const found = EXPORTS.some((one) => one.name === name);
    if (refused) return undefined;
    if (this.#style === 'simple' || !found) return this.#found(`option ${number}: contexts of what has none`);
    const contexts = replies.slice(0, -1).map((reply) => reply.data);
    if (contexts.some((context) => context.length < 5))
      return this.#found(`option ${number}: a context without name`);
    if (!sets) return undefined;
    const ids = contexts.map((context) => context.readUInt32BE(0));
    if (new Set(ids).size !== ids.length) return this.#found('SET_META_CONTEXT: two contexts of one number');
    this.#contexts = { name: name ?? '', ids };
    return undefined;
  }

  #transmit(served: FuzzExport): Verdict {
    const { client, server, closed, cutOff } = this.#conversation;
    const contexts = this.#contexts.name === served.name ? this.#contexts.ids : [];
    const transmission = judgeTransmission({
      client: client.subarray(this.#client),
      server: server.subarray(this.#server),
      closed,
      cutOff,
      served,
      style: this.#style,
      contexts,
    });
    return { ...this.#base, ...transmission, transmission };
  }

  get #base(): { readonly options: number; readonly transmission: undefined } {
    return { options: this.#options, transmission: undefined };
  }

  #found(finding: string): Verdict {
    return { ...this.#base, finding: `${finding}, in the handshake`, complete: true };
  }

  #expectRefusal(what: string, refused: boolean, expected: boolean): Verdict | undefined {
    if (refused === expected) return undefined;
    return this.#found(
      `${what} is ${refused ? 'refused without a reason' : 'acknowledged in spite of what it says'}`,
    );
  }

  /** The server owes something. */
  #waiting(what: string): Verdict {
    const { closed, cutOff } = this.#conversation;
    if (closed && cutOff !== true) return this.#found(`closed instead of ${what}`);
    return { ...this.#base, finding: undefined, complete: closed };
  }

  /** The client has to go on. */
  #idle(): Verdict {
    if (this.#conversation.closed) return this.#found('closed for no reason');
    return this.#nothingMore() ?? { ...this.#base, finding: undefined, complete: true };
  }

  #mustClose(why: string): Verdict {
    const more = this.#nothingMore();
    if (more !== undefined) return { ...more, finding: `${more.finding ?? ''} after ${why}` };
    if (!this.#conversation.closed) return { ...this.#base, finding: undefined, complete: false };
    return this.#closedFor();
  }

  #closedFor(): Verdict {
    return this.#nothingMore() ?? { ...this.#base, finding: undefined, complete: true };
  }

  #nothingMore(): Verdict | undefined {
    const more = this.#conversation.server.length - this.#server;
    return more > 0 ? this.#found(`${more} bytes that nobody asked for`) : undefined;
  }
}

export function judge(conversation: Conversation): Verdict {
  return new Handshake(conversation).judge();
}

const isFinal = ({ type }: OptionReply): boolean => type === REP.ACK || type >= REP.ERROR_BIT;

/** Size u64 and flags u16 as this export has them. */
function exportFault(
  reply: Buffer,
  { sizeBytes, isReadOnly, zeroesFast }: FuzzExport,
  style: Style,
): Finding {
  if (reply.length < EXPORT_BYTES) return 'its size is cut off';
  const size = reply.readBigUInt64BE(0);
  if (size !== BigInt(sizeBytes)) return `its size is ${size}, not ${sizeBytes}`;
  const flags = reply.readUInt16BE(8);
  if ((flags & 1) === 0) return 'HAS_FLAGS is not set';
  if (((flags & 2) !== 0) !== isReadOnly) return 'READ_ONLY is wrong';
  if ((flags & 0x80) !== 0 && style === 'simple') return 'SEND_DF without structured replies';
  if ((flags & 0x800) !== 0 && (!zeroesFast || isReadOnly)) return 'SEND_FAST_ZERO is not true';
  return undefined;
}

/** Undefined: no information request, or one of a name that may not be. */
function nameOfInfo(data: Buffer): string | undefined {
  const name = nameIn(data, 6);
  if (name === undefined) return undefined;
  const count = data.readUInt16BE(4 + name.length);
  return data.length === 6 + name.length + 2 * count ? textOf(name) : undefined;
}

function nameOfMetaQuery(data: Buffer): string | undefined {
  const name = nameIn(data, 8);
  return name === undefined ? undefined : textOf(name);
}

/** `overhead`: of the data without the name. */
function nameIn(data: Buffer, overhead: number): Buffer | undefined {
  if (data.length < overhead) return undefined;
  const length = data.readUInt32BE(0);
  return length > data.length - overhead || length > STRING_BYTES ? undefined : data.subarray(4, 4 + length);
}

function textOf(name: Buffer): string | undefined {
  const text = name.toString();
  return text === ABSENT ? undefined : text;
}
