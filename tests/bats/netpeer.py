#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other end of a container's network, in its own network namespace: for 75-network.bats.

usage: netpeer.py serve DIR     serves until it is killed; DIR/ready appears when it does
       netpeer.py resolve ADDRESS FILE  answers by TCP at port 53 of ADDRESS, as Docker's resolver; FILE appears when it does
       netpeer.py router IF PREFIX FILE announces PREFIX::/64 and itself on IF to who asks for routers, and once when FILE is
                                 there: as no router any more
       netpeer.py ask-arp IF ADDRESS    asks on IF who has the address; prints the MAC address of each answer in a second

  TCP 5001   takes what comes, and writes its SHA-256 to DIR/upload-N, N from 1 on, when the sender has ended
  TCP 5002   sends BULK bytes, whose SHA-256 is in DIR/download, and ends
  TCP 5003   answers each connection with one line, and ends: for many short ones
  UDP 53     answers each question for a name with the address 192.0.2.7

All on IPv4 and IPv6. The resolver answers each name with 192.0.2.9, but one that begins with "big" with 100 addresses.
"""
import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

BULK = 6 * 1024 * 1024


def listen(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    s.listen(128)
    return s


def each_client(port, serve):
    s = listen(port)

    def loop():
        n = 0
        while True:
            client, _ = s.accept()
            n += 1
            threading.Thread(target=serve, args=(client, n), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def write(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text + "\n")
    os.rename(path + ".new", path)


def answer_names():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 53))
    while True:
        question, peer = s.recvfrom(4096)
        end = question.index(b"\0", 12) + 5
        is_a = question[end - 4:end - 2] == b"\0\x01"
        answer = question[:2] + b"\x81\x80\0\x01\0" + (b"\x01" if is_a else b"\0") + b"\0\0\0\0" + question[12:end]
        if is_a:
            answer += b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton("192.0.2.7")
        s.sendto(answer, peer)


def serve(directory):
    bulk = random.Random(11).randbytes(BULK)
    write(directory + "/download", hashlib.sha256(bulk).hexdigest())

    def upload(client, n):
        digest = hashlib.sha256()
        while chunk := client.recv(65536):
            digest.update(chunk)
        write(f"{directory}/upload-{n}", digest.hexdigest())
        client.close()

    def download(client, _):
        client.sendall(bulk)
        client.close()

    def line(client, n):
        client.sendall(f"hello {n}\n".encode())
        client.close()

    each_client(5001, upload)
    each_client(5002, download)
    each_client(5003, line)
    write(directory + "/ready", "ready")
    answer_names()


def read_exactly(client, n):
    data = b""
    while len(data) < n:
        chunk = client.recv(n - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def resolve(address, ready):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 53))
    s.listen(128)
    write(ready, "ready")

    def answer(client):
        try:
            while True:
                question = read_exactly(client, struct.unpack("!H", read_exactly(client, 2))[0])
                end = question.index(b"\0", 12) + 5
                is_a = question[end - 4:end - 2] == b"\0\x01"
                last = 0 if not is_a else 100 if question[13:16] == b"big" else 1
                records = b"".join(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + bytes((192, 0, 2, 9 + i)) for i in range(last))
                head = question[:2] + b"\x81\x80\0\x01" + struct.pack("!HHH", last, 0, 0)
                reply = head + question[12:end] + records
                client.sendall(struct.pack("!H", len(reply)) + reply)
        except (EOFError, ConnectionError):
            client.close()

    while True:
        threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()


def ask_arp(interface, address):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    s.bind((interface, 0))
    own = s.getsockname()[4]
    s.send(b"\xff" * 6 + own + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + own + bytes(4) + bytes(6) +
           socket.inet_aton(address))
    end = time.monotonic() + 1
    s.settimeout(1)
    while time.monotonic() < end:
        try:
            packet = s.recv(2048)
        except TimeoutError:
            break
        if packet[20:22] == b"\0\x02" and packet[28:32] == socket.inet_aton(address):
            print(packet[22:28].hex(":"))


def router(interface, prefix, end):
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    index = socket.if_nametoindex(interface)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("=I", index))
    s.settimeout(0.1)

    def announce(lifetime):
        # RFC 4861, 4.2: 64 hops; a prefix for addresses, an MTU of 1400, and a resolver (RFC 8106)
        message = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0)
        message += struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, prefix + "::")
        message += struct.pack(">BBHI", 5, 1, 0, 1400)
        message += struct.pack(">BBHI", 25, 3, 0, 1800) + socket.inet_pton(socket.AF_INET6, prefix + "::53")
        s.sendto(message, ("ff02::1", 0, 0, index))

    while not os.path.exists(end):
        try:
            if s.recv(1500)[0] == 133:
                announce(1800)
        except TimeoutError:
            pass
    announce(0)


if sys.argv[1:2] == ["serve"]:
    serve(sys.argv[2])
elif sys.argv[1:2] == ["router"]:
    router(*sys.argv[2:5])
elif sys.argv[1:2] == ["resolve"]:
    resolve(sys.argv[2], sys.argv[3])
else:
    ask_arp(sys.argv[2], sys.argv[3])
