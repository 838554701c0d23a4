/** Sessions that once found something, by what it was. They run before anything else. */
import type { SessionOptions } from './memory-session.ts';
import type { FuzzInput } from './mutate.ts';

export interface NamedCase extends FuzzInput {
  readonly name: string;
  readonly options: SessionOptions;
}

const SLOW: SessionOptions = { holds: 0, fails: 0, slow: true };

export const CASES: readonly NamedCase[] = [
  {
    name: 'answers to BLOCK_STATUS count as unsent before the socket has them',
    options: SLOW,
    cuts: [],
    bytes: fromHex(
      '0000000349484156454f5054000000030000000049484156454f50540000000b0000000049484156454f50540000000a' +
        '0000001f0000000476617374000000010000000f626173653a616c6c6f636174696f6e49484156454f50540000000500' +
        '00000049484156454f5054000000070000000c00000004766173740001000321e41c7100000007ca58187f0000000000' +
        '00038593e77b6b0000000014b3d6ca21e41c7100010007ca58187f00000001000000674e764e02000000004d832ede21' +
        'e41c71a0870004ca58187f0000000200000001000000000000000036d7337b21e41c7100000002ca58187f0000000300' +
        '000000000000000000000000000000',
    ),
  },
];

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
