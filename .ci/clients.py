"""Takes a ticket from registration to closure with the client that openapi-python-client generates, checked by mypy."""

import os
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from mesa_client import AuthenticatedClient, Client
from mesa_client.api.auth import login
from mesa_client.api.followups import create_ticket_followup, list_ticket_followups
from mesa_client.api.ticket_steps import accept_ticket, assign_ticket, classify_ticket, close_ticket, solve_ticket
from mesa_client.api.me import get_me
from mesa_client.api.surveys import answer_ticket_survey, get_ticket_survey
from mesa_client.api.tickets import get_ticket, list_tickets, create_ticket
from mesa_client.models import (
    AcceptanceCreate,
    AssignmentCreate,
    ClassificationCreate,
    Criticality,
    ListTicketsSort,
    LoginRequest,
    Me,
    FollowupCreate,
    SolutionCreate,
    TicketCreate,
    EmptyBody,
    Problem,
    RatingsInput,
    Role,
    Session,
    TicketStatus,
    SurveyAnswerCreate,
    SurveyStatus,
    FollowupVisibility,
)
from mesa_client.types import UNSET, Response, Unset

URL = os.environ["MESA_URL"]
Body = TypeVar("Body")


def ok(body: Body | Problem | None) -> Body:
    """Returns the body of a successful answer."""
    assert body is not None and not isinstance(body, Problem), body
    return body


def refused(answer: Response[Body | Problem], status: int) -> Problem:
    """Returns the expected problem."""
    assert answer.status_code == status and isinstance(answer.parsed, Problem), answer
    return answer.parsed


def sign_in(role: Role) -> AuthenticatedClient:
    body = LoginRequest(email=f"{role}@mesa.test", password=os.environ["MESA_DEMO_PASSWORD"])
    session: Session = ok(login.sync(client=Client(base_url=URL), body=body))
    return AuthenticatedClient(base_url=URL, token=session.access_token)


requester, technician = sign_in(Role.REQUESTER), sign_in(Role.TECHNICIAN)
me: Me = ok(get_me.sync(client=technician))

# A repeated request with the same key registers one ticket.
key = str(uuid4())
new = TicketCreate(subject="La impresora no imprime", description="Muestra atasco.")
first = create_ticket.sync_detailed(client=requester, body=new, idempotency_key=key)
ticket = ok(first.parsed)
assert ok(create_ticket.sync(client=requester, body=new, idempotency_key=key)).id == ticket.id
assert ticket.status is TicketStatus.RECEIVED and ticket.criticality is None

# A step that the state does not allow gets a code of the contract.
early = refused(accept_ticket.sync_detailed(ticket.id, client=technician, body=AcceptanceCreate()), 409)
assert early.code == "step_not_allowed" and early.current_status == TicketStatus.RECEIVED
assert early.allowed_steps and "classification" in early.allowed_steps

# Not modified; then changed by another user.
known = first.headers["ETag"]
assert get_ticket.sync_detailed(ticket.id, client=requester, if_none_match=known).status_code == 304
high = ClassificationCreate(criticality=Criticality.HIGH)
classified = classify_ticket.sync_detailed(ticket.id, client=technician, body=high, if_match=known)
assert ok(classified.parsed).criticality is Criticality.HIGH
mine = AssignmentCreate(assignee_id="me")
late = refused(assign_ticket.sync_detailed(ticket.id, client=technician, body=mine, if_match=known), 412)
assert late.code == "precondition_failed"

fresh = classified.headers["ETag"]
assigned = ok(assign_ticket.sync(ticket.id, client=technician, body=mine, if_match=fresh))
assert assigned.assignee is not None and assigned.assignee.full_name == me.full_name
soon = AcceptanceCreate(scheduled_for=datetime.now(UTC) + timedelta(hours=1))
assert ok(accept_ticket.sync(ticket.id, client=technician, body=soon)).status is TicketStatus.IN_PROGRESS

for visibility in FollowupVisibility:
    followup = FollowupCreate(visibility=visibility, body=f"Seguimiento {visibility}")
    ok(create_ticket_followup.sync(ticket.id, client=technician, body=followup))
seen = ok(list_ticket_followups.sync(ticket.id, client=requester)).items
assert seen and all(followup.visibility is FollowupVisibility.PUBLIC for followup in seen)

solution = SolutionCreate(description="Se cambió el rodillo.")
assert ok(solve_ticket.sync(ticket.id, client=technician, body=solution)).status is TicketStatus.SOLVED
assert ok(get_ticket_survey.sync(ticket.id, client=requester)).status is SurveyStatus.PENDING
ratings = RatingsInput(overall=5, timeliness=4, courtesy=5, solution=5)
answered = ok(answer_ticket_survey.sync(ticket.id, client=requester, body=SurveyAnswerCreate(ratings=ratings)))
assert answered.ratings is not None and answered.ratings.timeliness == 4
assert ok(close_ticket.sync(ticket.id, client=requester, body=EmptyBody())).status is TicketStatus.CLOSED

# The pages contain every ticket once.
for _ in range(4):
    ok(create_ticket.sync(client=requester, body=new))
ids: list[int] = []
cursor: str | None | Unset = UNSET
while cursor is not None:
    page = ok(
        list_tickets.sync(
            client=requester,
            limit=2,
            sort=ListTicketsSort.RECEIVED_AT_DESC,
            status=[TicketStatus.RECEIVED, TicketStatus.CLOSED],
            cursor=cursor,
        )
    )
    ids += [item.id for item in page.items]
    cursor = page.next_cursor
counted = ok(list_tickets.sync(client=requester, limit=1, with_total=True))
assert ticket.id in ids and len(set(ids)) == len(ids) == counted.total

print(f"Python: ticket {ticket.id} from registration to closure")
