/**
 * The handshake as a state machine: one event in, effects out. It opens nothing and sends nothing itself.
 *
 *   flags --clientFlags--> options --option--> options | opening | listing | over
 *                          opening --opened / notOpened--> options | over
 *                          listing --listed--> options
 *
 * `over` is entered together with one of the effects transmit, finish and hangUp, after which nothing is to be said in
 * the handshake any more.
 */
import { assert, unreachable } from '../sys/errors.ts';
import type { ExportEntry } from './block.ts';
import { HANDSHAKE_FLAG, OPTION, REPLY } from './constants.ts';
import {
  decodeInfoRequest,
  decodeName,
  encodeExport,
  encodeInfos,
  encodeOptionReply,
  encodeServer,
  encodeText,
  type InfoRequest,
} from './handshake-codec.ts';
import { OPTIONS_PER_SESSION } from './limits.ts';

interface Session {
  /** Whether the reply to EXPORT_NAME is filled up with zeroes. */
  readonly zeroes: boolean;
  readonly options: number;
}

export type NegotiationState =
  | { readonly phase: 'flags' }
  | { readonly phase: 'options'; readonly session: Session }
  | {
      readonly phase: 'opening';
      readonly session: Session;
      readonly option: number;
      readonly request: InfoRequest;
    }
  | { readonly phase: 'listing'; readonly session: Session }
  | { readonly phase: 'over' };

export type NegotiationEvent =
  | { readonly kind: 'clientFlags'; readonly flags: number }
  | { readonly kind: 'option'; readonly option: number; readonly data: Buffer }
  | { readonly kind: 'listed'; readonly entries: readonly ExportEntry[] }
  | { readonly kind: 'opened'; readonly sizeBytes: number; readonly description: string }
  | { readonly kind: 'notOpened'; readonly reason: 'UNKNOWN' | 'NOT_SERVING'; readonly message: string };

export type NegotiationEffect =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** Answer with the event `listed`. */
  | { readonly kind: 'list' }
  /** Answer with `opened` or `notOpened`. Without `keep` the client only asks: close it again at once. */
  | { readonly kind: 'open'; readonly name: string; readonly keep: boolean }
  /** What was opened last is served from here on. */
  | { readonly kind: 'transmit' }
  /** Close once everything is sent. */
  | { readonly kind: 'finish' }
  /** Close at once: the client broke the protocol, or asked for something that has no reply to say no with. */
  | { readonly kind: 'hangUp'; readonly reason: string };

export interface NegotiationStep {
  readonly state: NegotiationState;
  readonly effects: readonly NegotiationEffect[];
}

export const NEGOTIATION_START: NegotiationState = { phase: 'flags' };

const KNOWN_CLIENT_FLAGS = HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES;

export function negotiate(state: NegotiationState, event: NegotiationEvent): NegotiationStep {
  switch (event.kind) {
    case 'clientFlags':
      assert(state.phase === 'flags', `client flags in phase ${state.phase}`);
      return onClientFlags(event.flags);
    case 'option':
      assert(state.phase === 'options', `an option in phase ${state.phase}`);
      return onOption(state.session, event.option, event.data);
    case 'listed':
      assert(state.phase === 'listing', `a list in phase ${state.phase}`);
      return onListed(state.session, event.entries);
    case 'opened':
      assert(state.phase === 'opening', `an opened export in phase ${state.phase}`);
      return onOpened(state.session, state.option, state.request, event);
    case 'notOpened': {
      assert(state.phase === 'opening', `a refused export in phase ${state.phase}`);
      if (state.option === OPTION.EXPORT_NAME) return hangUp(`EXPORT_NAME: ${event.message}`);
      const type = event.reason === 'UNKNOWN' ? REPLY.ERR_UNKNOWN : REPLY.ERR_POLICY;
      return refuse(state.session, state.option, type, event.message);
    }
    default:
      return unreachable(event);
  }
}

/** A client that does not announce fixed newstyle is served all the same: it cannot tell the difference. */
function onClientFlags(flags: number): NegotiationStep {
  // In unsigned arithmetic, else bit 31 would come out as a negative number in the reason.
  const unknown = (flags & ~KNOWN_CLIENT_FLAGS) >>> 0;
  if (unknown !== 0) return hangUp(`unknown client flags 0x${unknown.toString(16)}`);
  const session: Session = { zeroes: (flags & HANDSHAKE_FLAG.NO_ZEROES) === 0, options: 0 };
  return { state: { phase: 'options', session }, effects: [] };
}

function onOption(before: Session, option: number, data: Buffer): NegotiationStep {
  const session: Session = { ...before, options: before.options + 1 };
  if (session.options > OPTIONS_PER_SESSION)
    return hangUp(`more than ${String(OPTIONS_PER_SESSION)} options in one session`);
  switch (option) {
    case OPTION.GO:
    case OPTION.INFO:
      return onInfoRequest(session, option, data);
    case OPTION.EXPORT_NAME:
      return onExportName(session, data);
    case OPTION.LIST:
      if (data.length > 0) return refuse(session, option, REPLY.ERR_INVALID, 'LIST takes no data');
      return { state: { phase: 'listing', session }, effects: [{ kind: 'list' }] };
    case OPTION.ABORT:
      // Data is ignored: a client that leaves is let go.
      return over({ kind: 'send', bytes: encodeOptionReply(option, REPLY.ACK) }, { kind: 'finish' });
    default:
      return refuse(session, option, REPLY.ERR_UNSUP, `option ${String(option)} is not supported`);
  }
}

function onInfoRequest(session: Session, option: number, data: Buffer): NegotiationStep {
  const request = decodeInfoRequest(data);
  if (!request.ok)
    return refuse(session, option, request.tooBig ? REPLY.ERR_TOO_BIG : REPLY.ERR_INVALID, request.reason);
  return open(session, option, request.value);
}

function onExportName(session: Session, data: Buffer): NegotiationStep {
  const name = decodeName(data);
  if (!name.ok) return hangUp(`EXPORT_NAME: ${name.reason}`);
  return open(session, OPTION.EXPORT_NAME, { name: name.value, infos: [] });
}

function open(session: Session, option: number, request: InfoRequest): NegotiationStep {
  const keep = option !== OPTION.INFO;
  return {
    state: { phase: 'opening', session, option, request },
    effects: [{ kind: 'open', name: request.name, keep }],
  };
}

function onOpened(
  session: Session,
  option: number,
  request: InfoRequest,
  found: { readonly sizeBytes: number; readonly description: string },
): NegotiationStep {
  if (option === OPTION.EXPORT_NAME)
    return over({ kind: 'send', bytes: encodeExport(found.sizeBytes, session) }, { kind: 'transmit' });
  const infos = encodeInfos(request, found).map((info) => encodeOptionReply(option, REPLY.INFO, info));
  const send: NegotiationEffect = {
    kind: 'send',
    bytes: Buffer.concat([...infos, encodeOptionReply(option, REPLY.ACK)]),
  };
  if (option === OPTION.GO) return over(send, { kind: 'transmit' });
  return { state: { phase: 'options', session }, effects: [send] };
}

function onListed(session: Session, entries: readonly ExportEntry[]): NegotiationStep {
  const servers = entries.map((entry) =>
    encodeOptionReply(OPTION.LIST, REPLY.SERVER, encodeServer(entry.name, entry.description)),
  );
  const bytes = Buffer.concat([...servers, encodeOptionReply(OPTION.LIST, REPLY.ACK)]);
  return { state: { phase: 'options', session }, effects: [{ kind: 'send', bytes }] };
}

function refuse(session: Session, option: number, type: number, message: string): NegotiationStep {
  const bytes = encodeOptionReply(option, type, encodeText(message));
  return { state: { phase: 'options', session }, effects: [{ kind: 'send', bytes }] };
}

function over(...effects: readonly NegotiationEffect[]): NegotiationStep {
  return { state: { phase: 'over' }, effects };
}

function hangUp(reason: string): NegotiationStep {
  return over({ kind: 'hangUp', reason });
}
