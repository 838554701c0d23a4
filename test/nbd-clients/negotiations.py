"""
Run in nbdsh by nbdsh-negotiation.test.ts, which has set `uri`, `name` (in it) and `size` before:
handshakes step by step, as libnbd's option mode lets them be made. Prints as JSON what each step came to.
"""
import json

answers = {}


def connect(prepare=lambda h: None):
    h = nbd.NBD()
    h.set_strict_mode(0)
    h.set_opt_mode(True)
    prepare(h)
    h.connect_uri(uri)
    return h


def outcome(act):
    try:
        value = act()
        return "ok" if value is None or value == 0 else value
    except nbd.Error as error:
        return error.errno or "failed"


def go(h):
    h.set_export_name(name)
    h.opt_go()
    served = h.get_size() == size and len(h.pread(512, 0)) == 512
    h.shutdown()
    return "served" if served else "not served"


h = connect()
answers["abort"] = outcome(h.opt_abort)

h = connect()
h.set_export_name("nobody")
answers["info of an unknown export"] = outcome(h.opt_info)
answers["go of an unknown export"] = outcome(h.opt_go)
answers["go after both were refused"] = go(h)

h = connect()
h.set_export_name("x" * 4096)
answers["info of a name of 4096 bytes"] = outcome(h.opt_info)
answers["go after the long name"] = go(h)

h = connect()
h.set_export_name(name)
answers["info tells the size"] = outcome(lambda: (h.opt_info(), h.get_size())[1]) == size
answers["info again"] = outcome(h.opt_info)
exports = []
h.opt_list(lambda export, description: exports.append(export))
answers["list between them"] = exports == [name]
answers["go after info and list"] = go(h)

h = connect()
infos = 0
try:
    while infos < 10000:
        h.set_export_name("nobody")
        try:
            h.opt_info()
        except nbd.Error:
            pass
        if not h.aio_is_negotiating():
            break
        infos += 1
finally:
    answers["options until the server had enough"] = infos

h = connect(lambda h: h.set_request_structured_replies(False))
answers["go with simple replies"] = go(h)


def old_client(flags):
    h = nbd.NBD()
    h.set_handshake_flags(flags)
    h.set_export_name(name)
    h.connect_uri(uri)
    served = h.get_size() == size and len(h.pread(512, 0)) == 512
    h.shutdown()
    return "served" if served else "not served"


answers["export name with zeroes"] = outcome(lambda: old_client(0))
answers["export name without zeroes"] = outcome(lambda: old_client(nbd.HANDSHAKE_FLAG_NO_ZEROES))
answers["fixed newstyle with zeroes"] = outcome(lambda: old_client(nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE))

print(json.dumps(answers))
