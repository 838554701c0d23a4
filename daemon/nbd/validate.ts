/**
 * What may be submitted. One function, called for every request before anything acts on it; what it refuses, it
 * refuses by command, field and limit. The errors are those of "Error values" of the protocol text.
 */
import { assert } from '../sys/errors.ts';
import type { BlockRequest } from './block.ts';
import type { NbdRequest } from './codec.ts';
import { BLOCK_SIZE, COMMAND, COMMAND_FLAG, ERROR, type ErrorNumber } from './constants.ts';
import type { ReplyStyle } from './replies.ts';

export interface RequestRefusal {
  readonly error: ErrorNumber;
  readonly command: string;
  readonly field: 'command' | 'flags' | 'offset' | 'length';
  readonly value: number;
  /** What would have been accepted, in words. */
  readonly limit: string;
}

/** What was negotiated, as far as it decides which requests there are. */
export interface ExportTerms {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly style: ReplyStyle;
  /** SEND_FAST_ZERO was told. */
  readonly offersFastZero: boolean;
  /** Whether it is true now: a store may come to be busy with a copy. */
  readonly zeroesFast: () => boolean;
  /** Metadata contexts were selected. */
  readonly hasContexts: boolean;
}

interface CommandRule {
  readonly name: string;
  /** FUA stands everywhere: once it is advertised, the protocol has us accept it on every command. */
  readonly flags: number;
  readonly requiredFlags: number;
  readonly changes: boolean;
  /** Undefined: offset and length are reserved and must be zero. */
  readonly pastEnd: ErrorNumber | undefined;
  /** The length is that of bytes on the wire. */
  readonly hasPayload: boolean;
}

export interface RequestRules {
  /** An export may grow under its connections. */
  sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly zeroesFast: () => boolean;
  readonly byCommand: readonly (CommandRule | undefined)[];
}

/** Made once for a connection, when its handshake is over. */
export function rulesFor(terms: ExportTerms): RequestRules {
  const df = terms.style === 'simple' ? 0 : COMMAND_FLAG.DF;
  const fastZero = terms.offersFastZero ? COMMAND_FLAG.FAST_ZERO : 0;
  const payload = terms.style === 'extended' ? COMMAND_FLAG.PAYLOAD_LEN : 0;
  const byCommand: (CommandRule | undefined)[] = [];
  byCommand[COMMAND.READ] = rule('READ', { pastEnd: ERROR.EINVAL, hasPayload: true, flags: df });
  byCommand[COMMAND.WRITE] = rule('WRITE', {
    pastEnd: ERROR.ENOSPC,
    hasPayload: true,
    changes: true,
    flags: payload,
    requiredFlags: payload,
  });
  byCommand[COMMAND.FLUSH] = rule('FLUSH', {});
  byCommand[COMMAND.TRIM] = rule('TRIM', { pastEnd: ERROR.EINVAL, changes: true });
  byCommand[COMMAND.CACHE] = rule('CACHE', { pastEnd: ERROR.EINVAL });
  byCommand[COMMAND.WRITE_ZEROES] = rule('WRITE_ZEROES', {
    pastEnd: ERROR.ENOSPC,
    changes: true,
    flags: COMMAND_FLAG.NO_HOLE | fastZero,
  });
  if (terms.hasContexts)
    byCommand[COMMAND.BLOCK_STATUS] = rule('BLOCK_STATUS', {
      pastEnd: ERROR.EINVAL,
      flags: COMMAND_FLAG.REQ_ONE,
    });
  const { sizeBytes, isReadOnly, zeroesFast } = terms;
  return { sizeBytes, isReadOnly, zeroesFast, byCommand };
}

/** Undefined: the request may be served. DISC has no reply and is not asked about here. */
export function validate(request: NbdRequest, rules: RequestRules): RequestRefusal | undefined {
  const { command, flags, offset, length } = request;
  const { sizeBytes } = rules;
  const rule = rules.byCommand[command];
  if (rule === undefined) return unknownCommand(command);
  if (rule.changes && rules.isReadOnly)
    return refusal(rule, ERROR.EPERM, 'command', command, 'reading: the export is read-only');
  if ((flags & ~rule.flags) !== 0)
    return refusal(rule, ERROR.EINVAL, 'flags', flags, `no others than 0x${rule.flags.toString(16)}`);
  if ((flags & rule.requiredFlags) !== rule.requiredFlags)
    return refusal(rule, ERROR.EINVAL, 'flags', flags, 'PAYLOAD_LEN and the bytes to be written');
  if (rule.hasPayload && length > BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES) return tooLong(request, rule);
  if (rule.pastEnd === undefined) {
    if (offset !== 0) return refusal(rule, ERROR.EINVAL, 'offset', offset, '0');
    return length === 0 ? undefined : refusal(rule, ERROR.EINVAL, 'length', length, '0');
  }
  if (offset > sizeBytes) return refusal(rule, rule.pastEnd, 'offset', offset, `${String(sizeBytes)} bytes`);
  // Subtracted, not added: offset and size are exact here, while a sum could pass 2^53 and be rounded into the export.
  if (length > sizeBytes - offset)
    return refusal(
      rule,
      rule.pastEnd,
      'length',
      length,
      `${String(sizeBytes - offset)} bytes to the end of the export`,
    );
  // Nothing but a reply with at least one descriptor is a success, and there is nothing to describe.
  if (command === COMMAND.BLOCK_STATUS && length === 0)
    return refusal(rule, ERROR.EINVAL, 'length', length, 'at least 1 byte');
  if ((flags & COMMAND_FLAG.FAST_ZERO) !== 0 && !isFast(flags, rules))
    return refusal(rule, ERROR.ENOTSUP, 'flags', flags, 'no FAST_ZERO, which cannot be promised now');
  return undefined;
}

/**
 * What the backend is asked for; undefined where a length of 0 asks it for nothing, which is then a success. (The
 * protocol leaves open what it is, and only asks that nobody is hung up on for it.) CACHE and BLOCK_STATUS are no
 * requests of the backend's.
 */
export function blockRequestOf(request: NbdRequest): BlockRequest | undefined {
  const { command, offset, length } = request;
  if (command === COMMAND.FLUSH) return { kind: 'flush' };
  if (length === 0) return undefined;
  if (command === COMMAND.READ) return { kind: 'read', offset, length };
  const fua = (request.flags & COMMAND_FLAG.FUA) !== 0;
  if (command === COMMAND.WRITE) {
    const data = request.payload;
    assert(data?.length === length, 'a WRITE within the limits was decoded without its payload');
    return { kind: 'write', offset, data, fua };
  }
  if (command === COMMAND.TRIM) return { kind: 'trim', offset, length, fua };
  assert(
    command === COMMAND.WRITE_ZEROES,
    `command ${String(command)} passed validation but is not dispatched`,
  );
  return { kind: 'zero', offset, length, mayTrim: (request.flags & COMMAND_FLAG.NO_HOLE) === 0, fua };
}

/** For the text of an error. */
export function describeRefusal({ command, field, value, limit }: RequestRefusal): string {
  return `${command}: ${field} is ${String(value)}; allowed: ${limit}`;
}

function rule(name: string, options: Partial<Omit<CommandRule, 'name'>>): CommandRule {
  return {
    name,
    flags: COMMAND_FLAG.FUA | (options.flags ?? 0),
    requiredFlags: options.requiredFlags ?? 0,
    changes: options.changes ?? false,
    pastEnd: options.pastEnd,
    hasPayload: options.hasPayload ?? false,
  };
}

/** BLOCK_STATUS without a context is as unknown as a number that was never given out. */
function unknownCommand(command: number): RequestRefusal {
  if (command === COMMAND.BLOCK_STATUS) {
    const limit = 'only after SET_META_CONTEXT selected a context of this export';
    return { error: ERROR.EINVAL, command: 'BLOCK_STATUS', field: 'command', value: command, limit };
  }
  const limit = 'READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS';
  return { error: ERROR.EINVAL, command: String(command), field: 'command', value: command, limit };
}

/** Zeroes that keep their space are never promised to be fast: not every file system knows how. */
function isFast(flags: number, rules: RequestRules): boolean {
  return (flags & COMMAND_FLAG.NO_HOLE) === 0 && rules.zeroesFast();
}

/** EOVERFLOW is for a READ that would fit in parts only; the protocol has no other use for it. */
function tooLong({ flags, length }: NbdRequest, rule: CommandRule): RequestRefusal {
  const error = (flags & COMMAND_FLAG.DF) === 0 ? ERROR.EINVAL : ERROR.EOVERFLOW;
  return refusal(rule, error, 'length', length, `${String(BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES)} bytes`);
}

function refusal(
  rule: CommandRule,
  error: ErrorNumber,
  field: RequestRefusal['field'],
  value: number,
  limit: string,
): RequestRefusal {
  return { error, command: rule.name, field, value, limit };
}
