"""A gRPC client with no code of ours: Debian's grpcio and protobuf, and what the server tells of itself by reflection.

    stranger.py HOST:PORT      creates the database "orders" and watches it until it is active and in sync

One line of JSON for each thing that it did. The only message types that it brings along are those of reflection
itself, which it builds from their numbers in grpc/reflection/v1/reflection.proto.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

CALL_SECONDS = 20
WATCH_SECONDS = 30
REFLECTIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
ERROR_TYPES = ("ErrorInfo", "BadRequest", "PreconditionFailure", "ResourceInfo")
Field = descriptor_pb2.FieldDescriptorProto


def say(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


def class_of(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(descriptor_pool.DescriptorPool()).GetPrototype(descriptor)


def reflection_messages(package):
    """The part of reflection.proto that is needed: name of a message to (field, number, type, repeated)."""
    text, raw, number, message = Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_INT32, Field.TYPE_MESSAGE
    shapes = {
        "ServerReflectionRequest": [
            ("file_by_filename", 3, text, "", False),
            ("file_containing_symbol", 4, text, "", False),
            ("list_services", 7, text, "", False),
        ],
        "FileDescriptorResponse": [("file_descriptor_proto", 1, raw, "", True)],
        "ServiceResponse": [("name", 1, text, "", False)],
        "ListServiceResponse": [("service", 1, message, "ServiceResponse", True)],
        "ErrorResponse": [("error_code", 1, number, "", False), ("error_message", 2, text, "", False)],
        "ServerReflectionResponse": [
            ("file_descriptor_response", 4, message, "FileDescriptorResponse", False),
            ("list_services_response", 6, message, "ListServiceResponse", False),
            ("error_response", 7, message, "ErrorResponse", False),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        is_request = name == "ServerReflectionRequest"
        if is_request:
            shape.oneof_decl.add(name="message_request")
        for field_name, field_number, kind, of, repeated in fields:
            label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
            field = shape.field.add(name=field_name, number=field_number, type=kind, label=label)
            if of:
                field.type_name = f".{package}.{of}"
            if is_request:
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return [
        class_of(pool.FindMessageTypeByName(f"{package}.ServerReflection{kind}")) for kind in ("Request", "Response")
    ]


class Reflection:
    def __init__(self, channel, package):
        self.request, response = reflection_messages(package)
        self.call = channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )

    def ask(self, **question):
        answer = next(iter(self.call(iter([self.request(**question)]), timeout=CALL_SECONDS)))
        if answer.HasField("error_response"):
            raise LookupError(f"{question}: {answer.error_response.error_message}")
        return answer

    def services(self):
        return sorted(one.name for one in self.ask(list_services="*").list_services_response.service)

    def files(self, **question):
        encoded = self.ask(**question).file_descriptor_response.file_descriptor_proto
        return [descriptor_pb2.FileDescriptorProto.FromString(one) for one in encoded]


class Server:
    """What the server has, known by reflection alone."""

    def __init__(self, channel, reflection):
        self.channel = channel
        self.reflection = reflection
        self.pool = descriptor_pool.DescriptorPool()
        self.known = {}
        self.added = set()

    def learn(self, symbol):
        files = self.reflection.files(file_containing_symbol=symbol)
        self.known.update((file.name, file) for file in files)
        for file in files:
            self.add(file.name)

    def add(self, name):
        """After the files that it imports, which are asked for by name where they did not come along."""
        if name in self.added:
            return
        self.added.add(name)
        if name not in self.known:
            self.known.update((file.name, file) for file in self.reflection.files(file_by_filename=name))
        for imported in self.known[name].dependency:
            self.add(imported)
        self.pool.AddSerializedFile(self.known[name].SerializeToString())

    def message(self, name):
        try:
            descriptor = self.pool.FindMessageTypeByName(name)
        except KeyError:
            self.learn(name)
            descriptor = self.pool.FindMessageTypeByName(name)
        return class_of(descriptor)

    def method(self, service, name):
        descriptor = self.pool.FindServiceByName(service).FindMethodByName(name)
        stub = self.channel.unary_stream if descriptor.server_streaming else self.channel.unary_unary
        call = stub(
            f"/{service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=class_of(descriptor.output_type).FromString,
        )
        request = class_of(descriptor.input_type)
        return lambda timeout=CALL_SECONDS, **fields: call(request(**fields), timeout=timeout)

    def unpack(self, packed):
        message = self.message(packed.type_url.split("/")[-1]).FromString(packed.value)
        return json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=self.pool)

    def details(self, error):
        """Of a refusal: the typed details, by the last part of their type."""
        trailer = dict(error.trailing_metadata())["grpc-status-details-bin"]
        status = self.message("google.rpc.Status").FromString(trailer)
        return {one.type_url.rsplit(".", 1)[-1]: self.unpack(one) for one in status.details}


def describe(server, service):
    """Each method, and whether every type that it leads to can be resolved."""
    seen, waiting, methods = set(), [], []
    for method in server.pool.FindServiceByName(service).methods:
        methods.append(method.name)
        waiting += [method.input_type, method.output_type]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        waiting += [field.message_type for field in message.fields if field.message_type is not None]
    say("service", name=service, methods=methods, messages=len(seen))


def refused(server, name, call):
    try:
        call()
    except grpc.RpcError as error:
        say(name, code=error.code().name, message=error.details(), details=server.details(error))


def main(address):
    channel = grpc.insecure_channel(address)
    for package in REFLECTIONS:
        say("services", reflection=package, names=Reflection(channel, package).services())
    server = Server(channel, Reflection(channel, REFLECTIONS[0]))
    for service in server.reflection.services():
        server.learn(service)
        describe(server, service)
    for name in (*(f"google.rpc.{one}" for one in ERROR_TYPES), "lockstep.v1.OperationMetadata"):
        say("type", name=server.message(name).DESCRIPTOR.full_name)

    def database(method):
        return server.method("lockstep.v1.DatabaseService", method)

    refused(server, "absent", lambda: database("GetDatabase")(name="databases/none"))
    refused(server, "invalid", lambda: database("CreateDatabase")(database_id="No", engine="postgresql"))
    size = 256 * 1024 * 1024
    wish = {"database_id": "orders", "engine": "postgresql", "size_bytes": size}
    dry = database("CreateDatabase")(**wish, validate_only=True)
    say("checked", done=dry.done, response=server.unpack(dry.response)["name"])
    operation = database("CreateDatabase")(**wish, request_id="0b6f8a4e-9d0c-4e2e-8f57-2d3c1f6f1a11")
    again = database("CreateDatabase")(**wish, request_id="0b6f8a4e-9d0c-4e2e-8f57-2d3c1f6f1a11")
    say("operation", name=operation.name, again=again.name, workflow=server.unpack(operation.metadata)["workflow"])
    stream = database("WatchDatabase")(timeout=WATCH_SECONDS, name="databases/orders")
    for shown in stream:
        state = json_format.MessageToDict(shown, preserving_proto_field_name=True, descriptor_pool=server.pool)
        say("database", state=state["state"], redundancy=state.get("redundancy"), reason=state["reason"])
        if (state["state"], state.get("redundancy")) == ("DATABASE_STATE_ACTIVE", "REDUNDANCY_IN_SYNC"):
            stream.cancel()
            break
    wait = server.method("google.longrunning.Operations", "WaitOperation")
    done = wait(name=operation.name)
    say("done", done=done.done, response=server.unpack(done.response)["name"])
    refused(server, "taken", lambda: database("CreateDatabase")(**wish))


main(sys.argv[1])
