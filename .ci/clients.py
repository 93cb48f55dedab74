"""Takes a ticket from registration to closure with the client that openapi-python-client generates, checked by mypy."""

import os
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from mesa_client import AuthenticatedClient, Client
from mesa_client.api.auth import get_me, login
from mesa_client.api.followups import add_followup, list_followups
from mesa_client.api.steps import accept_ticket, assign_ticket, classify_ticket, close_ticket, solve_ticket
from mesa_client.api.surveys import answer_survey, get_survey
from mesa_client.api.tickets import get_ticket, list_tickets, register_ticket
from mesa_client.models import (
    Acceptance,
    Assignment,
    Classification,
    Code,
    Criticality,
    ListTicketsSort,
    Login,
    Me,
    NewFollowup,
    NewSolution,
    NewTicket,
    Nothing,
    Problem,
    Ratings,
    Role,
    Session,
    Status,
    Step,
    SurveyAnswer,
    SurveyStatus,
    Visibility,
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
    body = Login(email=f"{role}@mesa.test", password=os.environ["MESA_DEMO_PASSWORD"])
    session: Session = ok(login.sync(client=Client(base_url=URL), body=body))
    return AuthenticatedClient(base_url=URL, token=session.access_token)


requester, technician = sign_in(Role.REQUESTER), sign_in(Role.TECHNICIAN)
me: Me = ok(get_me.sync(client=technician))

# A repeated request with the same key registers one ticket.
key = str(uuid4())
new = NewTicket(subject="La impresora no imprime", description="Muestra atasco.")
first = register_ticket.sync_detailed(client=requester, body=new, idempotency_key=key)
ticket = ok(first.parsed)
assert ok(register_ticket.sync(client=requester, body=new, idempotency_key=key)).id == ticket.id
assert ticket.status is Status.RECEIVED and ticket.criticality is None

# A step that the state does not allow gets a code of the contract.
early = refused(accept_ticket.sync_detailed(ticket.id, client=technician, body=Acceptance()), 409)
assert early.code is Code.STEP_NOT_ALLOWED and early.state is Status.RECEIVED
assert early.allowed_steps and Step.CLASSIFICATION in early.allowed_steps

# Not modified; then changed by another user.
known = first.headers["ETag"]
assert get_ticket.sync_detailed(ticket.id, client=requester, if_none_match=known).status_code == 304
high = Classification(criticality=Criticality.HIGH)
classified = classify_ticket.sync_detailed(ticket.id, client=technician, body=high, if_match=known)
assert ok(classified.parsed).criticality is Criticality.HIGH
mine = Assignment(assignee_id="me")
late = refused(assign_ticket.sync_detailed(ticket.id, client=technician, body=mine, if_match=known), 412)
assert late.code is Code.PRECONDITION_FAILED

fresh = classified.headers["ETag"]
assigned = ok(assign_ticket.sync(ticket.id, client=technician, body=mine, if_match=fresh))
assert assigned.assignee is not None and assigned.assignee.full_name == me.full_name
soon = Acceptance(scheduled_for=datetime.now(UTC) + timedelta(hours=1))
assert ok(accept_ticket.sync(ticket.id, client=technician, body=soon)).status is Status.IN_PROGRESS

for visibility in Visibility:
    followup = NewFollowup(visibility=visibility, body=f"Seguimiento {visibility}")
    ok(add_followup.sync(ticket.id, client=technician, body=followup))
seen = ok(list_followups.sync(ticket.id, client=requester)).items
assert seen and all(followup.visibility is Visibility.PUBLIC for followup in seen)

solution = NewSolution(description="Se cambió el rodillo.")
assert ok(solve_ticket.sync(ticket.id, client=technician, body=solution)).status is Status.SOLVED
assert ok(get_survey.sync(ticket.id, client=requester)).status is SurveyStatus.PENDING
ratings = Ratings(overall=5, timeliness=4, courtesy=5, solution=5)
assert ok(answer_survey.sync(ticket.id, client=requester, body=SurveyAnswer(ratings=ratings))).ratings == ratings
assert ok(close_ticket.sync(ticket.id, client=requester, body=Nothing())).status is Status.CLOSED

# The pages contain every ticket once.
for _ in range(4):
    ok(register_ticket.sync(client=requester, body=new))
ids: list[int] = []
cursor: str | None | Unset = UNSET
while cursor is not None:
    page = ok(
        list_tickets.sync(
            client=requester,
            limit=2,
            sort=ListTicketsSort.RECEIVED_AT_DESC,
            status=[Status.RECEIVED, Status.CLOSED],
            cursor=cursor,
        )
    )
    ids += [item.id for item in page.items]
    cursor = page.next_cursor
counted = ok(list_tickets.sync(client=requester, limit=1, with_total=True))
assert ticket.id in ids and len(set(ids)) == len(ids) == counted.total

print(f"Python: ticket {ticket.id} from registration to closure")
