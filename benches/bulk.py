"""Registers tickets one by one and together; prints times, processor time and their ratios.

By the command line: URL, access token, processes of the server and of PostgreSQL, rounds.
"""

import http.client
import json
import os
import statistics
import sys
import time
import urllib.parse

url, token, server, postmaster, rounds = sys.argv[1:]
TICK = os.sysconf("SC_CLK_TCK")
new = {"subject": "La impresora no imprime", "description": "Desde ayer la impresora del piso 3 muestra un atasco."}


def children(process):
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as listed:
        return listed.read().split()


def processor_seconds():
    total = 0
    for process in [server, postmaster, *children(postmaster)]:
        with open(f"/proc/{process}/stat", encoding="utf-8") as status:
            fields = status.read().rsplit(")", 1)[1].split()
        # Of the postmaster also that of sessions that have ended.
        total += sum(int(ticks) for ticks in fields[11 : 15 if process == postmaster else 13])
    return total / TICK


connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)


def post(path, body):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < 300, text
    return json.loads(text)


def one_by_one():
    for _ in range(100):
        post("/tickets", new)


def together():
    results = post("/tickets/bulk", {"operations": [{"create": new}] * 100})["results"]
    assert all(result["status"] == 201 for result in results), results[0]


def measured(act):
    before, began = processor_seconds(), time.perf_counter()
    act()
    return time.perf_counter() - began, processor_seconds() - before


for act in (one_by_one, together):
    act()
found = {act: [] for act in (one_by_one, together)}
for _ in range(3 * int(rounds)):
    for act in found:
        found[act].append(measured(act))
times = {act: [statistics.median(values) for values in zip(*taken)] for act, taken in found.items()}
print("\n| 100 registrations | ms | processor ms of the server and PostgreSQL |\n|---|--:|--:|")
for act, (elapsed, processor) in times.items():
    print(f"| {act.__name__.replace('_', ' ')} | {elapsed * 1000:.0f} | {processor * 1000:.0f} |")
ratio = [many / one for one, many in zip(times[one_by_one], times[together])]
print(f"| together ÷ one by one | {ratio[0]:.2f} | {ratio[1]:.2f} |")
