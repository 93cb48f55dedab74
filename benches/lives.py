"""Lives of tickets over the API: registered, classified, assigned, accepted, three followups, solved, surveyed, closed.

Arguments: host and port, password of the demo accounts, number of tickets. Each request has an Idempotency-Key.
"""

import http.client
import json
import sys
import uuid

address, password, number = sys.argv[1], sys.argv[2], int(sys.argv[3])


def account(role):
    connection = http.client.HTTPConnection(address)

    def call(path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers |= {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
        connection.request("POST", f"/api/v1{path}", json.dumps(body or {}), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            sys.exit(f"POST {path}: {answer.status} {content.decode()}")
        return json.loads(content)

    token = call("/auth/login", {"email": f"{role}@mesa.test", "password": password})["access_token"]
    return lambda path, body=None: call(path, body, token)


requester, technician = account("requester"), account("technician")
for _ in range(number):
    ticket = requester(
        "/tickets",
        {
            "subject": "La impresora del despacho no imprime",
            "description": "Desde esta mañana muestra atasco y no hay papel dentro.",
        },
    )
    one = f"/tickets/{ticket['id']}"
    technician(f"{one}/classification", {"criticality": "critical"})
    technician(f"{one}/assignment", {"assignee_id": "me"})
    technician(f"{one}/acceptance")
    technician(f"{one}/followups", {"visibility": "public", "body": "Vamos a su oficina."})
    technician(f"{one}/followups", {"visibility": "private", "body": "Revisar el rodillo."})
    requester(f"{one}/followups", {"visibility": "public", "body": "Gracias, los espero."})
    technician(f"{one}/solution", {"description": "Se cambió el rodillo."})
    requester(f"{one}/survey", {"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}})
    requester(f"{one}/closure")
