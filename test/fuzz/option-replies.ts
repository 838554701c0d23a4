/** The replies to one option: all up to the one that ends them, as far as they are here. */
import { OPTION_REPLY_MAGIC, REP } from './protocol.ts';
import type { Finding } from './transmission-witness.ts';

export interface OptionReply {
  readonly type: number;
  readonly data: Buffer;
}

const HEADER_BYTES = 20;
/** The longest string, and what stands around it. */
const DATA_BYTES = 8192 + 64;
const TYPES = [REP.ACK, REP.SERVER, REP.INFO, REP.META_CONTEXT] as readonly number[];

export function handshakeReplies(
  server: Buffer,
  start: number,
  option: number,
): { readonly replies: readonly OptionReply[]; readonly end: number; readonly fault: Finding } {
  const replies: OptionReply[] = [];
  let at = start;
  const result = (fault?: string) => ({ replies, end: at, fault });
  while (at + HEADER_BYTES <= server.length) {
    if (server.readBigUInt64BE(at) !== OPTION_REPLY_MAGIC) return result('a reply has another magic');
    const answered = server.readUInt32BE(at + 8);
    if (answered !== option) return result(`a reply is to option ${answered}`);
    const type = server.readUInt32BE(at + 12);
    const length = server.readUInt32BE(at + 16);
    if (type < REP.ERROR_BIT && !TYPES.includes(type)) return result(`a reply is of type ${type}`);
    if (length > DATA_BYTES) return result(`a reply has ${length} bytes`);
    if (type === REP.ACK && length > 0) return result('an acknowledgement has data');
    if (at + HEADER_BYTES + length > server.length) break;
    replies.push({ type, data: server.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length) });
    at += HEADER_BYTES + length;
    if (type === REP.ACK || type >= REP.ERROR_BIT) break;
  }
  return result();
}
