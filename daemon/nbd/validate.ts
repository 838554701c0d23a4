/**
 * What may be submitted. One function, called for every request before anything acts on it; what it refuses, it
 * refuses by command, field and limit.
 */
import { assert } from '../sys/errors.ts';
import type { BlockRequest } from './block.ts';
import type { NbdRequest } from './codec.ts';
import { BLOCK_SIZE, COMMAND, COMMAND_FLAG, ERROR, type ErrorNumber } from './constants.ts';

export interface RequestRefusal {
  readonly error: ErrorNumber;
  readonly command: string;
  readonly field: 'command' | 'flags' | 'offset' | 'length';
  readonly value: number;
  /** What would have been accepted, in words. */
  readonly limit: string;
}

interface CommandRule {
  readonly name: string;
  /** FUA stands everywhere: once it is advertised, the protocol has us accept it on every command. */
  readonly flags: number;
  /** Undefined: offset and length are reserved and must be zero. */
  readonly pastEnd: ErrorNumber | undefined;
  /** Undefined: the length names no bytes on the wire and goes up to the size of the export. */
  readonly overPayload: ErrorNumber | undefined;
}

const RULES: readonly (CommandRule | undefined)[] = rulesByNumber([
  [COMMAND.READ, rule('READ', { pastEnd: ERROR.EINVAL, overPayload: ERROR.EOVERFLOW })],
  [COMMAND.WRITE, rule('WRITE', { pastEnd: ERROR.ENOSPC, overPayload: ERROR.EINVAL })],
  [COMMAND.FLUSH, rule('FLUSH', {})],
  [COMMAND.TRIM, rule('TRIM', { pastEnd: ERROR.EINVAL })],
  [COMMAND.WRITE_ZEROES, rule('WRITE_ZEROES', { pastEnd: ERROR.ENOSPC, flags: COMMAND_FLAG.NO_HOLE })],
]);

/** Undefined: the request may be served. DISC has no reply and is not asked about here. */
export function validate(request: NbdRequest, sizeBytes: number): RequestRefusal | undefined {
  const { command, flags, offset, length } = request;
  const rule = RULES[command];
  if (rule === undefined) {
    const limit = 'READ, WRITE, DISC, FLUSH, TRIM, WRITE_ZEROES';
    return { error: ERROR.EINVAL, command: String(command), field: 'command', value: command, limit };
  }
  if ((flags & ~rule.flags) !== 0)
    return refusal(rule, ERROR.EINVAL, 'flags', flags, `no others than 0x${rule.flags.toString(16)}`);
  if (rule.overPayload !== undefined && length > BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES)
    return refusal(
      rule,
      rule.overPayload,
      'length',
      length,
      `${String(BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES)} bytes`,
    );
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
  return undefined;
}

/**
 * What the backend is asked for; undefined where a length of 0 asks it for nothing, which is then a success. (The
 * protocol leaves open what it is, and only asks that nobody is hung up on for it.)
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

function rule(
  name: string,
  options: { readonly pastEnd?: ErrorNumber; readonly overPayload?: ErrorNumber; readonly flags?: number },
): CommandRule {
  const flags = COMMAND_FLAG.FUA | (options.flags ?? 0);
  return { name, flags, pastEnd: options.pastEnd, overPayload: options.overPayload };
}

function rulesByNumber(
  rules: readonly (readonly [number, CommandRule])[],
): readonly (CommandRule | undefined)[] {
  const table: (CommandRule | undefined)[] = Array.from({
    length: 1 + Math.max(...rules.map(([number]) => number)),
  });
  for (const [number, rule] of rules) table[number] = rule;
  return table;
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
