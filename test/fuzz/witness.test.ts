/** The witness itself: it lets a right conversation pass, and finds what is wrong in each of the others. */
import t from 'tap';
import { infoRequest, metaQuery, option } from './client-stream.ts';
import { CMD, FLAG, GREETING, OPT, OPTION_REPLY_MAGIC, REP } from './protocol.ts';
import { judge } from './witness.ts';
import { EXPORTS, patternOf } from './world.ts';

const NO_BYTES = Buffer.alloc(0);
const SIZE = EXPORTS[0]?.sizeBytes ?? 0;

function numbers(...fields: readonly (readonly [bytes: 2 | 4 | 8, value: number | bigint])[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64BE(BigInt(value));
      return field.subarray(8 - bytes);
    }),
  );
}

const optionReply = (number: number, type: number, data: Buffer = NO_BYTES): Buffer =>
  Buffer.concat([numbers([8, OPTION_REPLY_MAGIC], [4, number], [4, type], [4, data.length]), data]);
const request = (command: number, cookie: number, offset: number, length: number, flags = 0): Buffer =>
  numbers([4, 0x25609513], [2, flags], [2, command], [8, cookie], [8, offset], [4, length]);
const simple = (cookie: number, error = 0, data: Buffer = NO_BYTES): Buffer =>
  Buffer.concat([numbers([4, 0x67446698], [4, error], [8, cookie]), data]);
const chunk = (cookie: number, type: number, payload: Buffer, flags = 1): Buffer =>
  Buffer.concat([numbers([4, 0x668e33ef], [2, flags], [2, type], [8, cookie], [4, payload.length]), payload]);
const dataChunk = (cookie: number, offset: number, length: number, flags = 1): Buffer =>
  chunk(cookie, 1, Buffer.concat([numbers([8, offset]), patternOf(offset, length)]), flags);

const go = option(OPT.GO, infoRequest('orders', []));
const gone = Buffer.concat([
  optionReply(OPT.GO, REP.INFO, numbers([2, 0], [8, SIZE], [2, 0x56d])),
  optionReply(OPT.GO, REP.ACK),
]);
const flags = Buffer.from([0, 0, 0, 3]);
const structured = option(OPT.STRUCTURED_REPLY, NO_BYTES);
const contexts = option(OPT.SET_META_CONTEXT, metaQuery('orders', ['base:allocation']));
const structuredGiven = optionReply(OPT.STRUCTURED_REPLY, REP.ACK);
const contextGiven = optionReply(
  OPT.SET_META_CONTEXT,
  REP.META_CONTEXT,
  Buffer.concat([numbers([4, 1]), Buffer.from('base:allocation')]),
);

interface Talk {
  readonly asks: readonly Buffer[];
  readonly answers: readonly Buffer[];
  readonly closed?: boolean;
}

const simply = ({ asks, answers, closed = false }: Talk): ReturnType<typeof judge> =>
  judge({
    client: Buffer.concat([flags, go, ...asks]),
    server: Buffer.concat([GREETING, gone, ...answers]),
    closed,
  });

const inChunks = ({ asks, answers, closed = false }: Talk): ReturnType<typeof judge> =>
  judge({
    client: Buffer.concat([flags, structured, contexts, go, ...asks]),
    server: Buffer.concat([
      GREETING,
      structuredGiven,
      contextGiven,
      optionReply(OPT.SET_META_CONTEXT, REP.ACK),
      gone,
      ...answers,
    ]),
    closed,
  });

const read = request(CMD.READ, 7, 100, 50);
const flush = request(CMD.FLUSH, 8, 0, 0);
const disc = request(CMD.DISC, 9, 0, 0);
const readAnswer = simple(7, 0, patternOf(100, 50));

t.test('answers in any order, an error where one belongs, and the end behind DISC are right', async (t) => {
  const asks = [read, flush, request(CMD.READ, 10, SIZE, 1), disc];
  const right = simply({ asks, answers: [simple(8), simple(10, 22), readAnswer], closed: true });
  t.match(right, { finding: undefined, complete: true });
});

t.test('chunks of data and holes that cover the range are right', async (t) => {
  const asks = [request(CMD.READ, 7, 4096, 8192), request(CMD.BLOCK_STATUS, 8, 4096, 8192)];
  const answers = [
    chunk(7, 2, numbers([8, 8192], [4, 4096]), 0),
    chunk(8, 5, numbers([4, 1], [4, 4096], [4, 0], [4, 4096], [4, 3])),
    dataChunk(7, 4096, 4096),
  ];
  t.match(inChunks({ asks, answers }), { finding: undefined, complete: true });
});

t.test('an answer that is still to come is not held against the server', async (t) => {
  t.match(simply({ asks: [read, flush], answers: [simple(8)] }), { finding: undefined, complete: false });
  t.match(simply({ asks: [read], answers: [readAnswer.subarray(0, 30)] }), { complete: false });
});

const WRONG: Readonly<Record<string, ReturnType<typeof judge>>> = {
  'a reply to a cookie that was never sent': simply({ asks: [flush], answers: [simple(9)] }),
  'a second reply to one request': simply({ asks: [flush], answers: [simple(8), simple(8)] }),
  'other bytes than those that are there': simply({
    asks: [read],
    answers: [simple(7, 0, patternOf(101, 50))],
  }),
  'a success of what lies beyond the end': simply({
    asks: [request(CMD.TRIM, 7, SIZE, 1)],
    answers: [simple(7)],
  }),
  'an error for what is legal': simply({ asks: [flush], answers: [simple(8, 22)] }),
  'an error that the protocol has not': simply({ asks: [flush], answers: [simple(8, 4)] }),
  'an end with a request unanswered': simply({ asks: [flush, disc], answers: [], closed: true }),
  'an end for no reason': simply({ asks: [flush], answers: [simple(8)], closed: true }),
  'chunks that nobody negotiated': simply({ asks: [read], answers: [dataChunk(7, 100, 50)] }),
  'a simple reply to a READ with structured replies': inChunks({ asks: [read], answers: [readAnswer] }),
  'a second last chunk': inChunks({ asks: [read], answers: [dataChunk(7, 100, 50), dataChunk(7, 100, 50)] }),
  'a READ that is not covered': inChunks({ asks: [read], answers: [dataChunk(7, 100, 49)] }),
  'a READ that is covered twice': inChunks({
    asks: [read],
    answers: [dataChunk(7, 100, 30, 0), dataChunk(7, 120, 30)],
  }),
  'a hole where there is data': inChunks({
    asks: [read],
    answers: [chunk(7, 2, numbers([8, 100], [4, 50]))],
  }),
  'a READ with DF in pieces': inChunks({
    asks: [request(CMD.READ, 7, 100, 50, FLAG.DF)],
    answers: [dataChunk(7, 100, 30, 0), dataChunk(7, 130, 20)],
  }),
  'a status of another context': inChunks({
    asks: [request(CMD.BLOCK_STATUS, 7, 0, 4096)],
    answers: [chunk(7, 5, numbers([4, 2], [4, 4096], [4, 0]))],
  }),
  'a status that calls data a hole': inChunks({
    asks: [request(CMD.BLOCK_STATUS, 7, 0, 4096)],
    answers: [chunk(7, 5, numbers([4, 1], [4, 4096], [4, 3]))],
  }),
  'more than one extent for REQ_ONE': inChunks({
    asks: [request(CMD.BLOCK_STATUS, 7, 4096, 8192, FLAG.REQ_ONE)],
    answers: [chunk(7, 5, numbers([4, 1], [4, 4096], [4, 0], [4, 4096], [4, 3]))],
  }),
  'unknown client flags that are accepted': judge({
    client: Buffer.concat([Buffer.from([0, 0, 0, 7]), go]),
    server: Buffer.concat([GREETING, gone]),
    closed: false,
  }),
  'a reply to another option': judge({
    client: Buffer.concat([flags, go]),
    server: Buffer.concat([GREETING, optionReply(OPT.INFO, REP.ACK)]),
    closed: false,
  }),
  'an export without its size': judge({
    client: Buffer.concat([flags, go]),
    server: Buffer.concat([GREETING, optionReply(OPT.GO, REP.ACK)]),
    closed: false,
  }),
  'an export of another size': judge({
    client: Buffer.concat([flags, go]),
    server: Buffer.concat([
      GREETING,
      optionReply(OPT.GO, REP.INFO, numbers([2, 0], [8, 0], [2, 1])),
      optionReply(OPT.GO, 1),
    ]),
    closed: false,
  }),
  'an unknown export that is served': judge({
    client: Buffer.concat([flags, option(OPT.GO, infoRequest('nobody', []))]),
    server: Buffer.concat([GREETING, gone]),
    closed: false,
  }),
  'an ABORT that is not acknowledged': judge({
    client: Buffer.concat([flags, option(OPT.ABORT, NO_BYTES)]),
    server: GREETING,
    closed: true,
  }),
  'more than was asked for': judge({
    client: flags,
    server: Buffer.concat([GREETING, optionReply(OPT.LIST, REP.ACK)]),
    closed: false,
  }),
};

for (const [what, verdict] of Object.entries(WRONG))
  t.test(`${what} is found`, async (t) => {
    t.type(verdict.finding, 'string');
    t.comment(verdict.finding);
  });
