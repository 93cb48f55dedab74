"""Many streams of events on one copy of the server: memory, how long an event takes to reach all, and what others wait.

streams.py URL SERVER_PID STREAMS ROUNDS TOKEN REQUESTER_TOKEN: the tokens of the streams come from standard input, one a line.
"""

import http.client
import json
import os
import select
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

address = urlsplit(sys.argv[1])
pid, count, rounds = (int(word) for word in sys.argv[2:5])
reader, requester = sys.argv[5:7]
tokens = sys.stdin.read().split()
place = (address.hostname, address.port)
BODY = json.dumps({"subject": "Sin red", "description": "No hay red en el piso 3."})


def memory():
    """Of the server, in MB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def processor():
    """The time that the server has used, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantiles(values):
    values = sorted(values)
    at = lambda part: values[min(len(values) - 1, int(part * len(values)))] * 1000
    return f"p50 {at(0.5):.0f} ms, p99 {at(0.99):.0f} ms, at most {values[-1] * 1000:.0f} ms"


class Others:
    """Someone who reads one ticket again and again, a hundred times a second."""

    def __init__(self, path):
        self.path, self.taken, self.stopped = path, [], False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        connection = http.client.HTTPConnection(*place)
        while not self.stopped:
            begun = time.monotonic()
            connection.request("GET", self.path, headers={"Authorization": f"Bearer {reader}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            self.taken.append(time.monotonic() - begun)
            time.sleep(max(0, 0.01 - self.taken[-1]))

    def end(self):
        self.stopped = True
        self.thread.join()
        return quantiles(self.taken)


def register(connection):
    connection.request("POST", "/api/v1/tickets", BODY, {"Authorization": f"Bearer {requester}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    ticket = json.loads(answer.read())
    assert answer.status == 201, ticket
    return ticket["id"]


writer = http.client.HTTPConnection(*place)
ticket = register(writer)
others = Others(f"/api/v1/tickets/{ticket}")
time.sleep(3)
alone = others.end()
idle = memory()
print(f"idle: {idle:.0f} MB; GET /tickets/{{id}}: {alone}", flush=True)

poll, streams = select.epoll(), {}


def open_streams(missing):
    """Opens them a few at a time, until the first line of each has arrived."""
    opening = {}
    while missing or opening:
        while missing and len(opening) < 100:
            number = missing.pop()
            one = socket.create_connection(place)
            request = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {tokens[number % len(tokens)]}\r\n\r\n"
            one.sendall(request.encode())
            one.setblocking(False)
            streams[one.fileno()] = one
            opening[one.fileno()] = b""
            poll.register(one.fileno(), select.EPOLLIN)
        for descriptor, _ in poll.poll():
            data = streams[descriptor].recv(65536)
            assert data, "a stream ended while others were opened"
            if descriptor in opening:
                opening[descriptor] += data
                assert opening[descriptor].startswith(b"HTTP/1.1 200"[: len(opening[descriptor])]), opening[descriptor]
                if b"retry:" in opening[descriptor]:
                    del opening[descriptor]


def reach(marker, begun):
    """When each stream had the event, in seconds after it was begun to be written."""
    waiting, arrived = set(streams), []
    while waiting:
        ready = poll.poll(10)
        assert ready, f"{len(waiting)} streams did not get the event"
        for descriptor, _ in ready:
            data = streams[descriptor].recv(65536)
            assert data, "a stream ended"
            if marker in data and descriptor in waiting:
                waiting.discard(descriptor)
                arrived.append(time.monotonic() - begun)
    return arrived


begun, used = time.monotonic(), processor()
open_streams(list(range(count)))
print(f"{count} streams of {min(count, len(tokens))} accounts opened in {time.monotonic() - begun:.1f} s, {processor() - used:.1f} s of the server's processor time", flush=True)
time.sleep(3)
opened = memory()
print(f"with them: {opened:.0f} MB, {opened - idle:.0f} MB above idle", flush=True)

others = Others(f"/api/v1/tickets/{ticket}")
arrivals, used = [], processor()
for _ in range(rounds):
    begun = time.monotonic()
    number = register(writer)
    arrivals += reach(f'"subject":"ticket/{number}"'.encode(), begun)
    time.sleep(1.1)
used = (processor() - used) / rounds
print(f"an event reaches all: {quantiles(arrivals)}; {used * 1000:.0f} ms of the server's processor time each second", flush=True)
print(f"GET /tickets/{{id}} meanwhile: {others.end()}", flush=True)
others = Others(f"/api/v1/tickets/{ticket}")
begun, used = time.monotonic(), processor()
while time.monotonic() - begun < 20:
    for descriptor, _ in poll.poll(0.5):
        assert streams[descriptor].recv(65536), "a stream ended"
used = (processor() - used) / (time.monotonic() - begun)
print(f"without events: {used * 1000:.0f} ms of the server's processor time each second; GET /tickets/{{id}}: {others.end()}", flush=True)
print(f"at the end: {memory():.0f} MB, {memory() - idle:.0f} MB above idle", flush=True)
