#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of the Container Runtime Interface (runtime.v1), as a kubelet is one: gRPC over a socket.

  usage: cri.py SOCKET METHOD [JSON]      prints the response as JSON

The requests and responses are coded here by the rows of MESSAGES, which has of the published protocol (api.proto of
k8s.io/cri-api) what the tests use: of each message the name, number and type of each field. A field of a response that has
no row is left out. Types: int, str, bytes (printed as text), bool, map (of strings), the name of a message; "*" before
it: repeated.
"""
import json
import sys

import grpc

POD_ID = {"pod_sandbox_id": (1, "str")}
CONTAINER_ID = {"container_id": (1, "str")}
NUMBER = {"value": (1, "int")}
MESSAGES = {
    "VersionRequest": {"version": (1, "str")},
    "VersionResponse": {"runtime_name": (2, "str"), "runtime_version": (3, "str"), "runtime_api_version": (4, "str")},
    "RunPodSandboxRequest": {"config": (1, "PodSandboxConfig"), "runtime_handler": (2, "str")},
    "RunPodSandboxResponse": POD_ID,
    "StopPodSandboxRequest": POD_ID,
    "RemovePodSandboxRequest": POD_ID,
    "PodSandboxStatusRequest": POD_ID,
    "PodSandboxStatusResponse": {"status": (1, "PodSandboxStatus")},
    "PodSandboxStatus": {"id": (1, "str"), "state": (3, "int"), "runtime_handler": (9, "str")},
    "ListPodSandboxRequest": {},
    "ListPodSandboxResponse": {"items": (1, "*PodSandbox")},
    "PodSandbox": {"id": (1, "str"), "state": (3, "int")},
    "PodSandboxConfig": {"metadata": (1, "PodSandboxMetadata"), "hostname": (2, "str"), "log_directory": (3, "str"),
                         "labels": (6, "map"), "annotations": (7, "map"), "linux": (8, "LinuxPodSandboxConfig")},
    "PodSandboxMetadata": {"name": (1, "str"), "uid": (2, "str"), "namespace": (3, "str"), "attempt": (4, "int")},
    "LinuxPodSandboxConfig": {"cgroup_parent": (1, "str"), "security_context": (2, "LinuxSandboxSecurityContext")},
    "LinuxSandboxSecurityContext": {"namespace_options": (1, "NamespaceOption")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int")},
    "CreateContainerRequest": {"pod_sandbox_id": (1, "str"), "config": (2, "ContainerConfig"),
                               "sandbox_config": (3, "PodSandboxConfig")},
    "CreateContainerResponse": CONTAINER_ID,
    "ContainerConfig": {"metadata": (1, "ContainerMetadata"), "image": (2, "ImageSpec"), "command": (3, "*str"),
                        "args": (4, "*str"), "working_dir": (5, "str"), "envs": (6, "*KeyValue"), "mounts": (7, "*Mount"),
                        "log_path": (11, "str"), "tty": (14, "bool"), "linux": (15, "LinuxContainerConfig")},
    "ContainerMetadata": {"name": (1, "str"), "attempt": (2, "int")},
    "ImageSpec": {"image": (1, "str")},
    "KeyValue": {"key": (1, "str"), "value": (2, "str")},
    "Mount": {"container_path": (1, "str"), "host_path": (2, "str"), "readonly": (3, "bool")},
    "LinuxContainerConfig": {"resources": (1, "LinuxContainerResources"),
                             "security_context": (2, "LinuxContainerSecurityContext")},
    "LinuxContainerSecurityContext": {"namespace_options": (3, "NamespaceOption")},
    "LinuxContainerResources": {"cpu_period": (1, "int"), "cpu_quota": (2, "int"), "cpu_shares": (3, "int"),
                                "memory_limit_in_bytes": (4, "int"), "oom_score_adj": (5, "int")},
    "StartContainerRequest": CONTAINER_ID,
    "StopContainerRequest": {"container_id": (1, "str"), "timeout": (2, "int")},
    "RemoveContainerRequest": CONTAINER_ID,
    "ContainerStatusRequest": CONTAINER_ID,
    "ContainerStatusResponse": {"status": (1, "ContainerStatus")},
    "ContainerStatus": {"id": (1, "str"), "state": (3, "int"), "started_at": (5, "int"), "finished_at": (6, "int"),
                        "exit_code": (7, "int"), "reason": (10, "str"), "message": (11, "str")},
    "ListContainersRequest": {},
    "ListContainersResponse": {"containers": (1, "*Container")},
    "Container": {"id": (1, "str"), "pod_sandbox_id": (2, "str"), "state": (6, "int")},
    "UpdateContainerResourcesRequest": {"container_id": (1, "str"), "linux": (2, "LinuxContainerResources")},
    "ExecSyncRequest": {"container_id": (1, "str"), "cmd": (2, "*str"), "timeout": (3, "int")},
    "ExecSyncResponse": {"stdout": (1, "bytes"), "stderr": (2, "bytes"), "exit_code": (3, "int")},
    "ExecRequest": {"container_id": (1, "str"), "cmd": (2, "*str"), "tty": (3, "bool"), "stdin": (4, "bool"),
                    "stdout": (5, "bool"), "stderr": (6, "bool")},
    "ExecResponse": {"url": (1, "str")},
    "ContainerStatsRequest": CONTAINER_ID,
    "ContainerStatsResponse": {"stats": (1, "ContainerStats")},
    "ContainerStats": {"cpu": (2, "CpuUsage"), "memory": (3, "MemoryUsage")},
    "CpuUsage": {"usage_core_nano_seconds": (2, "UInt64Value")},
    "MemoryUsage": {"working_set_bytes": (2, "UInt64Value"), "usage_bytes": (4, "UInt64Value")},
    "UInt64Value": NUMBER,
    "PodSandboxStatsRequest": POD_ID,
    "PodSandboxStatsResponse": {"stats": (1, "PodSandboxStats")},
    "PodSandboxStats": {"linux": (2, "LinuxPodSandboxStats")},
    "LinuxPodSandboxStats": {"cpu": (1, "CpuUsage"), "memory": (2, "MemoryUsage"), "process": (4, "ProcessUsage"),
                             "containers": (5, "*ContainerStats")},
    "ProcessUsage": {"process_count": (2, "UInt64Value")},
}
VARINT, LENGTH = 0, 2  # the wire types that the protocol uses


def varint(n):
    """The bytes of @n; a negative number is 64 bits of two's complement."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def chunk(number, data):
    return varint(number << 3 | LENGTH) + varint(len(data)) + data


def encode_field(number, kind, value):
    if kind.startswith("*"):
        return b"".join(encode_field(number, kind[1:], v) for v in value)
    if kind == "map":
        return b"".join(chunk(number, chunk(1, k.encode()) + chunk(2, v.encode())) for k, v in value.items())
    if kind in ("int", "bool"):
        return varint(number << 3 | VARINT) + varint(int(value))
    return chunk(number, value.encode() if kind == "str" else encode(kind, value))


def encode(message, values):
    """@values, a dict, as @message; KeyError for a field that has no row."""
    return b"".join(encode_field(*MESSAGES[message][name], value) for name, value in values.items())


def take_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return n, at
        shift += 7


def take_field(data, at):
    """(number, value, where the next field begins)"""
    key, at = take_varint(data, at)
    if key & 7 == VARINT:
        value, at = take_varint(data, at)
    elif key & 7 == LENGTH:
        n, at = take_varint(data, at)
        value, at = data[at:at + n], at + n
    else:
        n = {1: 8, 5: 4}[key & 7]
        value, at = data[at:at + n], at + n
    return key >> 3, value, at


def decode_value(kind, value):
    if kind == "int":
        return value - (1 << 64) if value >> 63 else value
    if kind == "bool":
        return bool(value)
    if kind in ("str", "bytes"):
        return value.decode(errors="replace")
    return decode(kind, value)


def decode(message, data):
    """The dict of @data; fields that are not there have the protocol's default: 0, "", or an empty list."""
    rows = {number: (name, kind) for name, (number, kind) in MESSAGES[message].items()}
    result = {name: [] if kind[0] == "*" else {"int": 0, "bool": False, "str": "", "bytes": ""}.get(kind)
              for name, (_, kind) in MESSAGES[message].items()}
    at = 0
    while at < len(data):
        number, value, at = take_field(data, at)
        if number not in rows:
            continue
        name, kind = rows[number]
        if kind[0] == "*":
            result[name].append(decode_value(kind[1:], value))
        else:
            result[name] = decode_value(kind, value)
    return result


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    socket, method = sys.argv[1:3]
    request = encode(method + "Request", json.loads(sys.argv[3]) if len(sys.argv) == 4 else {})
    with grpc.insecure_channel("unix://" + socket) as channel:
        call = channel.unary_unary("/runtime.v1.RuntimeService/" + method)
        try:
            response = call(request, timeout=280)
        except grpc.RpcError as e:
            sys.exit(f"{method}: {e.code().name}: {e.details()}")
    known = method + "Response" in MESSAGES
    print(json.dumps(decode(method + "Response", response) if known else {}))


if __name__ == "__main__":
    main()
