/**
 * The handshake as a state machine: one event in, effects out. It opens nothing and sends nothing itself.
 *
 *   flags --clientFlags--> options --option--> options | finding | listing | over
 *                          finding --found / notFound--> options | over
 *                          listing --listed--> options
 *
 * `over` is entered together with one of the effects transmit, finish and hangUp, after which nothing is to be said in
 * the handshake any more. Sections of the protocol text: "Fixed newstyle negotiation", "Option types", "TLS support".
 */
import { assert, unreachable } from '../sys/errors.ts';
import type { ExportEntry, ExportFacts, RefusalReason } from './block.ts';
import { HANDSHAKE_FLAG, OPTION, REPLY } from './constants.ts';
import {
  type Decoded,
  decodeInfoRequest,
  decodeMetaQuery,
  decodeName,
  encodeExport,
  encodeInfos,
  encodeMetaContext,
  encodeOptionReply,
  encodeServer,
  encodeText,
  type InfoRequest,
  type MetaQuery,
} from './handshake-codec.ts';
import { META_QUERIES, OPTIONS_PER_SESSION } from './limits.ts';
import { contextsOf, malformed, matching, type MetaContext } from './meta-contexts.ts';
import type { ReplyStyle } from './replies.ts';

/** Modes of the server ("Server-side requirements"): NOTLS, SELECTIVETLS and FORCEDTLS. */
export type TlsMode = 'off' | 'allowed' | 'required';

/** The client knows the context by its number from here on. */
export interface SelectedContext {
  readonly contextId: number;
  readonly context: MetaContext;
}

export interface TransmissionTerms {
  readonly style: ReplyStyle;
  readonly contexts: readonly SelectedContext[];
  /** SEND_FAST_ZERO was told. */
  readonly offersFastZero: boolean;
}

interface Session {
  /** Whether the reply to EXPORT_NAME is filled up with zeroes. */
  readonly zeroes: boolean;
  readonly fixedNewstyle: boolean;
  readonly options: number;
  readonly tls: TlsMode | 'on';
  readonly style: ReplyStyle;
  /** Of the last SET_META_CONTEXT, good for the export that it named. */
  readonly selected: { readonly name: string; readonly contexts: readonly SelectedContext[] };
}

/** What an export is looked up for. */
type Pending =
  | {
      readonly option: typeof OPTION.EXPORT_NAME | typeof OPTION.INFO | typeof OPTION.GO;
      readonly request: InfoRequest;
    }
  | {
      readonly option: typeof OPTION.LIST_META_CONTEXT | typeof OPTION.SET_META_CONTEXT;
      readonly query: MetaQuery;
    };

export type NegotiationState =
  | { readonly phase: 'flags'; readonly tls: TlsMode }
  | { readonly phase: 'options'; readonly session: Session }
  | { readonly phase: 'finding'; readonly session: Session; readonly pending: Pending }
  | { readonly phase: 'listing'; readonly session: Session }
  | { readonly phase: 'over' };

export type NegotiationEvent =
  | { readonly kind: 'clientFlags'; readonly flags: number }
  | { readonly kind: 'option'; readonly option: number; readonly data: Buffer }
  | { readonly kind: 'listed'; readonly entries: readonly ExportEntry[] }
  | { readonly kind: 'found'; readonly facts: ExportFacts }
  | { readonly kind: 'notFound'; readonly reason: RefusalReason; readonly message: string };

export type NegotiationEffect =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** Answer with the event `listed`. */
  | { readonly kind: 'list' }
  /** Answer with `found` or `notFound`. With `open` it is also opened, since nothing but its use can follow. */
  | { readonly kind: 'find'; readonly name: string; readonly open: boolean }
  /** Behind what was sent; whatever the client said before is forgotten, also what is not decoded yet. */
  | { readonly kind: 'startTls' }
  /** What was opened is served from here on. */
  | { readonly kind: 'transmit'; readonly terms: TransmissionTerms }
  /** Close once everything is sent. */
  | { readonly kind: 'finish' }
  /** Close at once: the client broke the protocol, or asked for something that has no reply to say no with. */
  | { readonly kind: 'hangUp'; readonly reason: string };

export interface NegotiationStep {
  readonly state: NegotiationState;
  readonly effects: readonly NegotiationEffect[];
}

const KNOWN_CLIENT_FLAGS = HANDSHAKE_FLAG.FIXED_NEWSTYLE | HANDSHAKE_FLAG.NO_ZEROES;
const NONE_SELECTED: Session['selected'] = { name: '', contexts: [] };

/** The mode may depend on how the client came, but not change while it is there. */
export function negotiationStart(tls: TlsMode): NegotiationState {
  return { phase: 'flags', tls };
}

export function negotiate(state: NegotiationState, event: NegotiationEvent): NegotiationStep {
  switch (event.kind) {
    case 'clientFlags':
      assert(state.phase === 'flags', `client flags in phase ${state.phase}`);
      return onClientFlags(event.flags, state.tls);
    case 'option':
      assert(state.phase === 'options', `an option in phase ${state.phase}`);
      return onOption(state.session, event.option, event.data);
    case 'listed':
      assert(state.phase === 'listing', `a list in phase ${state.phase}`);
      return onListed(state.session, event.entries);
    case 'found':
      assert(state.phase === 'finding', `an export in phase ${state.phase}`);
      return onFound(state.session, state.pending, event.facts);
    case 'notFound': {
      assert(state.phase === 'finding', `a refused export in phase ${state.phase}`);
      const { option } = state.pending;
      if (option === OPTION.EXPORT_NAME) return hangUp(`EXPORT_NAME: ${event.message}`);
      const type = event.reason === 'UNKNOWN' ? REPLY.ERR_UNKNOWN : REPLY.ERR_POLICY;
      return refuse(state.session, option, type, event.message);
    }
    default:
      return unreachable(event);
  }
}

/** A client that does not announce fixed newstyle is served all the same: it cannot tell the difference. */
function onClientFlags(flags: number, tls: TlsMode): NegotiationStep {
  // In unsigned arithmetic, else bit 31 would come out as a negative number in the reason.
  const unknown = (flags & ~KNOWN_CLIENT_FLAGS) >>> 0;
  if (unknown !== 0) return hangUp(`unknown client flags 0x${unknown.toString(16)}`);
  const session: Session = {
    zeroes: (flags & HANDSHAKE_FLAG.NO_ZEROES) === 0,
    fixedNewstyle: (flags & HANDSHAKE_FLAG.FIXED_NEWSTYLE) !== 0,
    options: 0,
    tls,
    style: 'simple',
    selected: NONE_SELECTED,
  };
  return goOn(session);
}

function onOption(before: Session, option: number, data: Buffer): NegotiationStep {
  const session: Session = { ...before, options: before.options + 1 };
  if (session.options > OPTIONS_PER_SESSION)
    return hangUp(`more than ${String(OPTIONS_PER_SESSION)} options in one session`);
  // Data is ignored: a client that leaves is let go.
  if (option === OPTION.ABORT)
    return over({ kind: 'send', bytes: encodeOptionReply(option, REPLY.ACK) }, { kind: 'finish' });
  if (option === OPTION.STARTTLS) return onStartTls(session, data);
  if (session.tls === 'required') {
    if (option === OPTION.EXPORT_NAME) return hangUp('EXPORT_NAME: TLS is required');
    return refuse(
      session,
      option,
      REPLY.ERR_TLS_REQD,
      'this server is used over TLS: ask for STARTTLS first',
    );
  }
  switch (option) {
    case OPTION.GO:
    case OPTION.INFO:
      return onInfoRequest(session, option, data);
    case OPTION.EXPORT_NAME:
      return onExportName(session, data);
    case OPTION.LIST:
      if (data.length > 0) return refuse(session, option, REPLY.ERR_INVALID, 'LIST takes no data');
      return { state: { phase: 'listing', session }, effects: [{ kind: 'list' }] };
    case OPTION.STRUCTURED_REPLY:
    case OPTION.EXTENDED_HEADERS:
      return onStyle(session, option, data);
    case OPTION.LIST_META_CONTEXT:
    case OPTION.SET_META_CONTEXT:
      return onMetaQuery(session, option, data);
    default:
      return refuse(session, option, REPLY.ERR_UNSUP, `option ${String(option)} is not supported`);
  }
}

/** What was negotiated before is void: somebody in between may have said it. The options stay counted. */
function onStartTls(session: Session, data: Buffer): NegotiationStep {
  const option = OPTION.STARTTLS;
  if (data.length > 0) return refuse(session, option, REPLY.ERR_INVALID, 'STARTTLS takes no data');
  if (session.tls === 'on') return refuse(session, option, REPLY.ERR_INVALID, 'TLS is on already');
  if (session.tls === 'off')
    return refuse(
      session,
      option,
      REPLY.ERR_POLICY,
      'no TLS here: no certificate is configured for this socket',
    );
  if (!session.fixedNewstyle)
    return refuse(session, option, REPLY.ERR_INVALID, 'STARTTLS is for clients that said FIXED_NEWSTYLE');
  return goOn(
    { ...session, tls: 'on', style: 'simple', selected: NONE_SELECTED },
    { kind: 'send', bytes: encodeOptionReply(option, REPLY.ACK) },
    { kind: 'startTls' },
  );
}

/** To ask for the same once more changes nothing, and is acknowledged. */
function onStyle(session: Session, option: number, data: Buffer): NegotiationStep {
  if (data.length > 0) return refuse(session, option, REPLY.ERR_INVALID, 'this option takes no data');
  const isExtended = option === OPTION.EXTENDED_HEADERS;
  if (!isExtended && session.style === 'extended')
    return refuse(session, option, REPLY.ERR_EXT_HEADER_REQD, 'extended headers are on already');
  return goOn(
    { ...session, style: isExtended ? 'extended' : 'structured' },
    { kind: 'send', bytes: encodeOptionReply(option, REPLY.ACK) },
  );
}

function onInfoRequest(
  session: Session,
  option: typeof OPTION.INFO | typeof OPTION.GO,
  data: Buffer,
): NegotiationStep {
  const request = decodeInfoRequest(data);
  if (!request.ok) return refuseData(session, option, request);
  return find(session, { option, request: request.value });
}

function onExportName(session: Session, data: Buffer): NegotiationStep {
  if (session.style === 'extended') return hangUp('EXPORT_NAME: after EXTENDED_HEADERS only GO is allowed');
  const name = decodeName(data);
  if (!name.ok) return hangUp(`EXPORT_NAME: ${name.reason}`);
  return find(session, { option: OPTION.EXPORT_NAME, request: { name: name.value, infos: [] } });
}

/** What was selected before is void, also when this fails. */
function onMetaQuery(
  before: Session,
  option: typeof OPTION.LIST_META_CONTEXT | typeof OPTION.SET_META_CONTEXT,
  data: Buffer,
): NegotiationStep {
  const session = option === OPTION.SET_META_CONTEXT ? { ...before, selected: NONE_SELECTED } : before;
  if (session.style === 'simple')
    return refuse(session, option, REPLY.ERR_INVALID, 'ask for STRUCTURED_REPLY or EXTENDED_HEADERS first');
  const query = decodeMetaQuery(data);
  if (!query.ok) return refuseData(session, option, query);
  for (const one of query.value.queries) {
    const fault = malformed(one);
    if (fault !== undefined) return refuse(session, option, REPLY.ERR_INVALID, fault);
  }
  return find(session, { option, query: query.value });
}

function find(session: Session, pending: Pending): NegotiationStep {
  const { name } = 'query' in pending ? pending.query : pending.request;
  const open = pending.option === OPTION.GO || pending.option === OPTION.EXPORT_NAME;
  return { state: { phase: 'finding', session, pending }, effects: [{ kind: 'find', name, open }] };
}

function onFound(session: Session, pending: Pending, facts: ExportFacts): NegotiationStep {
  switch (pending.option) {
    case OPTION.EXPORT_NAME:
      return over(
        { kind: 'send', bytes: encodeExport(facts, session) },
        { kind: 'transmit', terms: termsOf(session, facts) },
      );
    case OPTION.INFO:
    case OPTION.GO: {
      const infos = encodeInfos(pending.request.infos, facts, session.style);
      const send = sendAll(pending.option, REPLY.INFO, infos);
      if (pending.option === OPTION.INFO) return goOn(session, send);
      return over(send, { kind: 'transmit', terms: termsOf(session, facts) });
    }
    case OPTION.LIST_META_CONTEXT:
      return onListContexts(session, pending.query, facts);
    case OPTION.SET_META_CONTEXT:
      return onSetContexts(session, pending.query, facts);
    default:
      return unreachable(pending);
  }
}

function termsOf({ style, selected }: Session, facts: ExportFacts): TransmissionTerms {
  const contexts = selected.name === facts.name ? selected.contexts : [];
  return { style, contexts, offersFastZero: facts.offersFastZero && !facts.isReadOnly };
}

/** No query at all asks for everything there is. */
function onListContexts(session: Session, { queries }: MetaQuery, facts: ExportFacts): NegotiationStep {
  const available = contextsOf(facts);
  const listed = queries.length === 0 ? available : matching(available, queries, { wildcards: true });
  const contexts = listed.map(({ name }) => encodeMetaContext(0, name));
  return goOn(session, sendAll(OPTION.LIST_META_CONTEXT, REPLY.META_CONTEXT, contexts));
}

function onSetContexts(session: Session, { queries }: MetaQuery, facts: ExportFacts): NegotiationStep {
  const matched = matching(contextsOf(facts), queries, { wildcards: false }).slice(0, META_QUERIES);
  const contexts = matched.map(({ context }, index) => ({ contextId: index + 1, context }));
  const replies = matched.map(({ name }, index) => encodeMetaContext(index + 1, name));
  return goOn(
    { ...session, selected: { name: facts.name, contexts } },
    sendAll(OPTION.SET_META_CONTEXT, REPLY.META_CONTEXT, replies),
  );
}

function onListed(session: Session, entries: readonly ExportEntry[]): NegotiationStep {
  const servers = entries.map((entry) => encodeServer(entry.name, entry.description));
  return goOn(session, sendAll(OPTION.LIST, REPLY.SERVER, servers));
}

/** One reply for each, and the acknowledgement behind them. */
function sendAll(option: number, type: number, all: readonly Buffer[]): NegotiationEffect {
  const replies = all.map((data) => encodeOptionReply(option, type, data));
  return { kind: 'send', bytes: Buffer.concat([...replies, encodeOptionReply(option, REPLY.ACK)]) };
}

function refuseData(
  session: Session,
  option: number,
  { tooBig, reason }: Extract<Decoded<unknown>, { ok: false }>,
): NegotiationStep {
  return refuse(session, option, tooBig ? REPLY.ERR_TOO_BIG : REPLY.ERR_INVALID, reason);
}

function refuse(session: Session, option: number, type: number, message: string): NegotiationStep {
  return goOn(session, { kind: 'send', bytes: encodeOptionReply(option, type, encodeText(message)) });
}

function goOn(session: Session, ...effects: readonly NegotiationEffect[]): NegotiationStep {
  return { state: { phase: 'options', session }, effects };
}

function over(...effects: readonly NegotiationEffect[]): NegotiationStep {
  return { state: { phase: 'over' }, effects };
}

function hangUp(reason: string): NegotiationStep {
  return over({ kind: 'hangUp', reason });
}
