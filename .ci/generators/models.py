"""Takes a ticket from registration to closure with the models of datamodel-code-generator, checked by mypy."""

import os
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from mesa_models import (
    AcceptanceCreate,
    AssigneeId,
    AssignmentCreate,
    ClassificationCreate,
    Criticality,
    Followup,
    Me,
    FollowupCreate,
    SolutionCreate,
    TicketCreate,
    Session,
    TicketStatus,
    Ticket,
    TimelineEntryPage,
    TimelineEvent,
    TimelineFollowup,
    TokenRequest,
    FollowupVisibility,
)
from pydantic import BaseModel

API = os.environ["MESA_URL"] + "/api/v1"
PASSWORD = os.environ["MESA_DEMO_PASSWORD"]
Answer = TypeVar("Answer", bound=BaseModel)


def send(request: Request, answer: type[Answer]) -> Answer:
    with urlopen(request, timeout=30) as response:
        return answer.model_validate_json(response.read())


class Account:
    def __init__(self, role: str) -> None:
        fields = {"grant_type": "password", "username": f"{role}@mesa.test", "password": PASSWORD}
        TokenRequest.model_validate(fields)
        session = send(Request(f"{API}/auth/token", data=urlencode(fields).encode()), Session)
        self.headers = {"Authorization": f"Bearer {session.access_token}"}

    def get(self, path: str, answer: type[Answer]) -> Answer:
        return send(Request(API + path, headers=self.headers), answer)

    def post(self, path: str, body: BaseModel | None, answer: type[Answer]) -> Answer:
        data = body.model_dump_json(exclude_none=True).encode() if body else b"{}"
        headers = self.headers | {"Content-Type": "application/json"}
        return send(Request(API + path, data=data, headers=headers), answer)


requester, technician = Account("requester"), Account("technician")
me = technician.get("/me", Me)

ticket = requester.post(
    "/tickets", TicketCreate(subject="La impresora no imprime", description="Muestra atasco."), Ticket
)
assert ticket.status is TicketStatus.received
path = f"/tickets/{ticket.id}"
classified = technician.post(f"{path}/classification", ClassificationCreate(criticality=Criticality.high), Ticket)
assert classified.criticality is Criticality.high
assigned = technician.post(f"{path}/assignment", AssignmentCreate(assignee_id=AssigneeId("me")), Ticket)
assert assigned.assignee is not None and assigned.assignee.full_name == me.full_name
soon = AcceptanceCreate(scheduled_for=datetime.now(UTC) + timedelta(hours=1))
assert technician.post(f"{path}/acceptance", soon, Ticket).status is TicketStatus.in_progress
text = "Vamos a su oficina."
technician.post(f"{path}/followups", FollowupCreate(visibility=FollowupVisibility.public, body=text), Followup)
solution = SolutionCreate(description="Se cambió el rodillo.")
assert technician.post(f"{path}/solution", solution, Ticket).status is TicketStatus.solved
assert requester.post(f"{path}/closure", None, Ticket).status is TicketStatus.closed

entries = [entry.root for entry in technician.get(f"{path}/timeline", TimelineEntryPage).items]
assert text in [entry.body for entry in entries if isinstance(entry, TimelineFollowup)]
kinds = {entry.kind.root for entry in entries if isinstance(entry, TimelineEvent)}
assert kinds >= {"received", "classified", "assigned", "accepted", "solved", "closed"}, kinds

print(f"datamodel-code-generator: ticket {ticket.id} from registration to closure")
