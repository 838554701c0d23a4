"""
Run in nbdsh by nbdsh-illegal.test.ts, which has set `uri` and `size` before: asks for what libnbd would refuse by
itself, with its strict mode off, and prints as JSON what each request was answered with: "ok" or the errno's name.
After each of them a legal request has to be served on the same connection.
"""
import json

MIB = 1 << 20
UNKNOWN_FLAG = 1 << 14
answers = {}


def connect(prepare=lambda h: None):
    h = nbd.NBD()
    h.set_strict_mode(0)
    prepare(h)
    h.connect_uri(uri)
    return h


def name_of(error):
    # libnbd names the errno where the server said one, and has none where it lost the connection.
    return error.errno or str(error)


def ask(name, act, h=None):
    h = h or connect()
    try:
        act(h)
        answers[name] = "ok"
    except nbd.Error as error:
        answers[name] = name_of(error)
    try:
        h.pwrite(b"still here", 4096)
        assert h.pread(10, 4096) == b"still here"
        h.shutdown()
    except nbd.Error as error:
        answers[name] += ", then the connection was gone: " + str(error)


ask("read past the end", lambda h: h.pread(1024, size - 512))
ask("read behind the end", lambda h: h.pread(512, size + 4096))
ask("read where offset plus length overflows", lambda h: h.pread(1024, (1 << 64) - 512))
ask("write past the end", lambda h: h.pwrite(bytes(1024), size - 512))
ask("write where offset plus length overflows", lambda h: h.pwrite(bytes(1024), (1 << 64) - 512))
ask("trim past the end", lambda h: h.trim(1024, size - 512))
ask("zeroes past the end", lambda h: h.zero(1024, size - 512))
ask("zeroes where offset plus length overflows", lambda h: h.zero(1024, (1 << 64) - 512))
ask("read of the largest payload", lambda h: h.pread(32 * MIB, 0))
ask("read of one byte more", lambda h: h.pread(32 * MIB + 1, 0))
ask("read of one byte more with DF", lambda h: h.pread(32 * MIB + 1, 0, nbd.CMD_FLAG_DF))
ask("write of the largest payload", lambda h: h.pwrite(bytes(32 * MIB), 0))
ask("write of one byte more", lambda h: h.pwrite(bytes(32 * MIB + 1), 0))
ask("write of twice the largest payload", lambda h: h.pwrite(bytes(64 * MIB), 0))
ask("read of nothing", lambda h: h.pread(0, 0))
ask("write of nothing", lambda h: h.pwrite(b"", 0))
ask("trim of nothing", lambda h: h.trim(0, 0))
ask("zeroes of nothing", lambda h: h.zero(0, 0))
ask("trim of all", lambda h: h.trim(size, 0))
ask("zeroes over all", lambda h: h.zero(size, 0))
ask("read with an unknown flag", lambda h: h.pread(512, 0, UNKNOWN_FLAG))
ask("write with an unknown flag", lambda h: h.pwrite(bytes(512), 0, UNKNOWN_FLAG))
ask("flush with an unknown flag", lambda h: h.flush(UNKNOWN_FLAG))
ask("write with NO_HOLE", lambda h: h.pwrite(bytes(512), 0, nbd.CMD_FLAG_NO_HOLE))
ask("flush with FUA", lambda h: h.flush(nbd.CMD_FLAG_FUA))
ask("trim with FUA", lambda h: h.trim(65536, 0, nbd.CMD_FLAG_FUA))
ask("zeroes with FUA and NO_HOLE", lambda h: h.zero(65536, 0, nbd.CMD_FLAG_FUA | nbd.CMD_FLAG_NO_HOLE))
ask("zeroes with FAST_ZERO", lambda h: h.zero(65536, 0, nbd.CMD_FLAG_FAST_ZERO))
fast_and_kept = nbd.CMD_FLAG_FAST_ZERO | nbd.CMD_FLAG_NO_HOLE
ask("zeroes with FAST_ZERO and NO_HOLE", lambda h: h.zero(65536, 0, fast_and_kept))
ask("cache", lambda h: h.cache(65536, 0))
ask("cache past the end", lambda h: h.cache(1024, size - 512))
no_structured = lambda h: h.set_request_structured_replies(False)
ask("read with DF without structured replies", lambda h: h.pread(512, 0, nbd.CMD_FLAG_DF), connect(no_structured))
ask("read with DF", lambda h: h.pread(512, 0, nbd.CMD_FLAG_DF))
ask("block status without a context", lambda h: h.block_status(65536, 0, lambda *a: 0))


def ask_status(name, *arguments):
    h = connect(lambda h: h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION))
    ask(name, lambda h: h.block_status(*arguments), h)


ask_status("block status", 65536, 0, lambda *found: 0)
ask_status("block status past the end", 1024, size - 512, lambda *found: 0)
ask_status("block status of nothing", 0, 0, lambda *found: 0)
ask_status("block status with an unknown flag", 512, 0, lambda *found: 0, UNKNOWN_FLAG)

print(json.dumps(answers))
