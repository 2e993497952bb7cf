# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

"""Calls the API service as programs in Python do.

usage: api-client.py PROTO ADDRESS [--reflection] [--pause=SECONDS] METHOD [REQUEST]

PROTO is the directory of v1alpha/api.proto, which is compiled now; with --reflection the service is asked for it instead.
ADDRESS is HOST:PORT or unix:PATH. REQUEST and the responses are JSON with the names of the proto, one response on a line; a
stream's next is taken after a pause. `listening` on standard error says that a stream has begun. What fails is told there
as `CODE: MESSAGE`, status 1.

METHOD is one of v1alpha.PublicAPI, or
  health [SERVICE]     what grpc.health.v1.Health says, by the messages of Python's package
  watch [SERVICE]      the same of `Watch`, a line for each change
  services             the names that reflection lists
  descriptors          compares health and reflection as the service declares them with Python's packages
  version              says that the packages are there; PROTO and ADDRESS are not looked at
"""

import json
import sys
import tempfile
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

SERVICE = "v1alpha.PublicAPI"


def compiled(directory):
    """The descriptors of the proto, as the compiler of Python's package makes them."""
    with tempfile.NamedTemporaryFile() as output:
        status = protoc.main(
            ["protoc", "-I" + directory, "--include_imports", "--descriptor_set_out=" + output.name, "v1alpha/api.proto"]
        )
        if status != 0:
            raise SystemExit("the proto cannot be compiled")
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


def message(descriptor):
    return message_factory.GetMessageClass(descriptor)


def show(value):
    print(value, flush=True)


def call(channel, pool, name, text, pause):
    service = pool.FindServiceByName(SERVICE)
    method = service.FindMethodByName(name)
    request = json_format.Parse(text, message(method.input_type)())
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    function = make(
        f"/{SERVICE}/{name}",
        request_serializer=lambda value: value.SerializeToString(),
        response_deserializer=message(method.output_type).FromString,
    )

    def shown(response):
        value = json_format.MessageToDict(response, preserving_proto_field_name=True)
        show(json.dumps(value, separators=(",", ":"), sort_keys=True))

    if not method.server_streaming:
        shown(function(request, timeout=60))
        return
    stream = function(request)
    stream.initial_metadata()
    print("listening", file=sys.stderr, flush=True)
    for response in stream:
        shown(response)
        time.sleep(pause)


def plain(file):
    """A file's declarations without what may differ: comments, options, the order of messages."""
    copy = descriptor_pb2.FileDescriptorProto.FromString(file)
    services = {
        service.name: {
            method.name: (method.input_type, method.output_type, method.client_streaming, method.server_streaming)
            for method in service.method
        }
        for service in copy.service
    }
    messages = {}

    def add(scope, declared):
        fields = {field.name: (field.number, field.type, field.label, field.type_name) for field in declared.field}
        enums = {enum.name: {value.name: value.number for value in enum.value} for enum in declared.enum_type}
        messages[scope + declared.name] = (fields, enums)
        for nested in declared.nested_type:
            add(f"{scope}{declared.name}.", nested)

    for declared in copy.message_type:
        add("", declared)
    return copy.package, services, messages


def compare(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    different = 0
    for symbol, module in [
        ("grpc.health.v1.Health", health_pb2),
        ("grpc.reflection.v1alpha.ServerReflection", reflection_pb2),
    ]:
        ours = plain(database.FindFileContainingSymbol(symbol).SerializeToString())
        theirs = plain(module.DESCRIPTOR.serialized_pb)
        # A newer package may declare more.
        same = ours[0] == theirs[0] and all(
            name in theirs[1] and theirs[1][name].items() >= methods.items() for name, methods in ours[1].items()
        )
        if same and theirs[2].items() >= ours[2].items():
            show(symbol)
        else:
            different += 1
            print(f"{symbol}: {ours}\nis not {theirs}", file=sys.stderr)
    if different:
        raise SystemExit(1)


def main(words):
    flags = [word for word in words if word.startswith("--")]
    words = [word for word in words if not word.startswith("--")]
    pause = sum(float(flag.split("=")[1]) for flag in flags if flag.startswith("--pause="))
    directory, address, method = words[:3]
    text = words[3] if len(words) > 3 else ""
    if method == "version":
        show(grpc.__version__)
        return
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", 1 << 30)])
    status = health_pb2.HealthCheckResponse.ServingStatus
    if method == "health":
        stub = health_pb2_grpc.HealthStub(channel)
        show(status.Name(stub.Check(health_pb2.HealthCheckRequest(service=text), timeout=60).status))
    elif method == "watch":
        stub = health_pb2_grpc.HealthStub(channel)
        for response in stub.Watch(health_pb2.HealthCheckRequest(service=text)):
            show(status.Name(response.status))
    elif method == "services":
        for name in sorted(ProtoReflectionDescriptorDatabase(channel).get_services()):
            show(name)
    elif method == "descriptors":
        compare(channel)
    else:
        if "--reflection" in flags:
            pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        else:
            pool = compiled(directory)
        call(channel, pool, method, text or "{}", pause)


try:
    main(sys.argv[1:])
except grpc.RpcError as error:
    print(f"{error.code().name}: {error.details()}", file=sys.stderr)
    sys.exit(1)
except KeyboardInterrupt:
    sys.exit(130)
