"""
Run in nbdsh by nbdsh-holes.test.ts, which has set `uri` and `size` before: what libnbd is told of data and holes by
BLOCK_STATUS and by the chunks of structured reads. Prints it as JSON.
"""
import json

KIB = 1024
KINDS = {nbd.READ_DATA: "data", nbd.READ_HOLE: "hole"}
h = nbd.NBD()
h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
h.add_meta_context("lockstep:dirty/nobody")
h.connect_uri(uri)
found = {"contexts": [h.can_meta_context(c) for c in (nbd.CONTEXT_BASE_ALLOCATION, "lockstep:dirty/nobody")]}

# 64 KiB of data, a hole, 64 KiB of data, and a hole up to the end.
h.zero(size, 0)
h.pwrite(b"a" * 64 * KIB, 0)
h.pwrite(b"b" * 64 * KIB, 192 * KIB)


def status(length, offset, flags=0):
    extents = []
    h.block_status(length, offset, lambda context, at, entries, error: extents.extend(entries) or 0, flags)
    return extents


found["whole"] = status(size, 0)
found["part"] = status(100 * KIB, 32 * KIB)
found["one"] = status(size, 0, nbd.CMD_FLAG_REQ_ONE)
found["last byte"] = status(1, size - 1)


def chunks(length, offset, flags=0):
    seen = []
    each = lambda part, at, kind, error: seen.append([at, len(part), KINDS[kind]]) or 0
    data = h.pread_structured(length, offset, each, flags)
    expected = bytearray(size)
    expected[: 64 * KIB] = b"a" * 64 * KIB
    expected[192 * KIB : 256 * KIB] = b"b" * 64 * KIB
    assert data == expected[offset : offset + length]
    return sorted(seen)


found["read"] = chunks(320 * KIB, 0)
found["read with DF"] = chunks(320 * KIB, 0, nbd.CMD_FLAG_DF)
h.trim(64 * KIB, 0, nbd.CMD_FLAG_FUA)
found["trimmed"] = status(256 * KIB, 0)
h.shutdown()
print(json.dumps(found))
