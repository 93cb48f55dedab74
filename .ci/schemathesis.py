"""What Schemathesis has to know of the desk: how to sign in, what some formats look like, and which refusals of sound
requests are no fault."""

import json
import os
import re
from email.message import EmailMessage
from email.policy import SMTP

import requests
import schemathesis
from hypothesis import strategies as st

DESK = os.environ["MESA_DESK"]
# What signing in answered, and the ids of the accounts that sign in.
SESSION = json.loads(os.environ["MESA_SESSION"])
ACCOUNTS = os.environ["MESA_ACCOUNTS"].split()


# By the refresh token: trying out wrong passwords, as Schemathesis does, keeps an account from signing in for a while.
@schemathesis.auth(refresh_interval=600).skip_for(path_regex="/auth/")
class Token:
    def get(self, case, context):
        global SESSION
        body = {"refresh_token": SESSION["refresh_token"]}
        SESSION = requests.post(f"{DESK}/api/v1/auth/refresh", json=body, timeout=30).json()
        return SESSION["access_token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


# A director can put anybody out, the accounts that this test signs in with included: those are left alone.
@schemathesis.hook
def filter_case(context, case):
    operation = case.operation.definition.raw.get("operationId")
    return not (operation == "updateUser" and case.path_parameters.get("user_id") in ACCOUNTS)


schemathesis.openapi.format(
    "opening-hours",
    st.sampled_from(["24/7", "Mo-Fr 08:00-12:00,14:00-18:00; PH off", "Mo-Sa 07:30-17:00", "Su,PH 10:00-11:00"]),
)


@st.composite
def message(draw):
    """Mail as it comes, or nearly."""
    mail = EmailMessage(policy=SMTP)
    name = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
    mail["From"] = draw(st.sampled_from(["Rosa <rosa@example.gov.co>", "tech@mesa.test", "nadie@example.com"]))
    mail["Subject"] = draw(st.sampled_from(["", "[#1] "])) + draw(name)
    mail["Message-ID"] = f"<{draw(st.uuids())}@example.com>"
    mail.set_content(draw(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=200)))
    return mail.as_bytes()


schemathesis.openapi.media_type("message/rfc822", message())


# A message is bytes; its example in the contract is a text.
@schemathesis.hook
def before_load_schema(context, raw_schema):
    for item in raw_schema["paths"].values():
        for operation in item.values():
            mail = operation.get("requestBody", {}).get("content", {}).get("message/rfc822")
            if mail:
                mail["example"] = mail["example"].encode()


@schemathesis.deserializer("text/csv", "text/html", "application/vnd.*", "message/rfc822", "image/*", "application/pdf", "application/zip")
def as_it_is(context, response):
    return response.content.decode("latin-1")


# Which sound requests may be refused: the operation, the problem's code, and for an `invalid_body` or `invalid_query` the
# field and what is wrong with it. What a schema can say, the contract says, and its violation is a fault here.
ANY = r".*"
MAY_BE_REFUSED = [
    # A cursor is what the list gave for the same filters and order; which ones those are no schema can say.
    (ANY, "invalid_cursor", None, None),
    # Nobody has seen the version that a made-up ETag names.
    (ANY, "precondition_failed", None, None),
    # A key that comes again with something else.
    (ANY, "idempotency_key_reused", None, None),
    # A made-up id is that of nothing, or of something that this is not for.
    (ANY, "invalid_body", ANY, "not_found"),
    ("mergeTicket|relateTickets", "invalid_body", "/into|/ticket_id", "not_allowed"),
    ("assignTicket", "invalid_body", "/assignee_id", "not_allowed"),
    ("handOver", "invalid_body", "/to", "not_allowed"),
    ("setShifts|recordAbsence|updateAbsence", "invalid_body", "", "not_allowed"),
    ("updateSurveyQuestion", "invalid_body", "/active", "not_allowed"),
    ("answerSurvey(ByLink)?", "invalid_body", r"/answers/\d+/question_id", "not_allowed|duplicate"),
    ("registerTicket|updateTicket", "invalid_body", "/category_id", "not_allowed"),
    # A moment that must come after another one, or not too long after it.
    ("getStatistics|listProfileFindings", "invalid_query", "/to", "not_allowed"),
    # Too many parts of a period, or too long a one.
    ("getStatistics", "invalid_query", "/interval", "not_allowed"),
    ("listAvailability", "invalid_query", "/at", "not_allowed"),
    ("recordAbsence|updateAbsence", "invalid_body", "/ends_at", "out_of_range"),
    ("reckonAttention", "invalid_body", r"/pauses/\d+/to", "out_of_range"),
    ("setShifts", "invalid_body", r"/items/\d+", "overlaps"),
    (ANY, "invalid_body", "/scheduled_for|/deadline|/promised_for", "not_in_future|outside_shift|out_of_range"),
    # An expression with a grammar of its own, which is not what the longest possible text has.
    ("createCalendar|updateCalendar|reckonAttention", "invalid_body", "/opening_hours", "wrong_format|not_supported"),
    # Size and root of a head are given together, and not with one ticket.
    ("verifyHistory", "invalid_query", "/head_size|/head_root", "not_allowed"),
    # Which fields a holiday has by its kind, and whether there is such a day.
    (
        "createHoliday|updateHoliday",
        "invalid_body",
        "/month|/day|/days_from_easter|/date|/first_year|/last_year|/name",
        "required|not_allowed|out_of_range",
    ),
    # The form of a token has the fields of two grants.
    ("issueToken", "invalid_body", "/username|/password|/refresh_token", "required"),
    # A file must not be empty: `minLength` on bytes breaks generators of clients.
    ("attachTo.*", "invalid_body", "/file", "too_short"),
    # Hours that are never open for so long.
    ("getCalendarDue", "invalid_query", "/minutes", "not_allowed"),
    ("reckonAttention|updateAttentionTime", "invalid_body", "/minutes", "out_of_range"),
    ("updateCalendar", "invalid_body", "/opening_hours", "out_of_range"),
    # What one field asks of another, or the ticket of a field.
    ("listArticles", "invalid_query", "/sort", "not_allowed"),
    ("acceptTicket|rescheduleTicket", "invalid_body", "/scheduled_for", "required|not_allowed"),
    ("escalateTicket", "invalid_body", "/to_level", "out_of_range"),
    ("escalateTicket", "invalid_body", "/third_party|/reference|/promised_for", "not_allowed"),
    # What the requester's profile may fill in, and does not.
    (
        "registerTicket|resubmitTicket",
        "invalid_body",
        "/requester(/full_name|/document_id|/contact|/unit_id)?",
        "required",
    ),
    # A requester sees no accounts beside a ticket.
    ("listTickets|getTicket", "invalid_query", "/expand", "not_allowed"),
    # A requester sees no drafts, and may withdraw but not archive for any other reason.
    ("listArticles", "invalid_query", "/status|/visibility", "not_allowed"),
    ("archiveTicket", "invalid_body", "/reason", "not_allowed"),
    # Filters over what only staff see.
    ("listTickets|downloadTickets", "invalid_query", ANY, "not_allowed"),
    # What an origin of this kind is named by, and what one of another kind is.
    ("(create|update)(ImprovementAction|Risk)", "invalid_body", r"/origin/\w+", "required|not_allowed"),
    # Controls make no risk larger.
    ("createRisk|updateRisk", "invalid_body", r"/residual/\w+", "out_of_range"),
    # What is no draft any more does not become one.
    ("update(ImprovementAction|Risk|Indicator)", "invalid_body", "/status|/measure", "not_allowed"),
    # What one measure asks for and no other, and the warning that must miss the target.
    ("createIndicator|updateIndicator", "invalid_body", "/within_hours", "required|not_allowed"),
    ("createIndicator|updateIndicator", "invalid_body", "/warning", "out_of_range"),
    # A quarter that has not begun, and a value for what the desk measures by itself.
    ("measureIndicator", "invalid_body", "/quarter", "out_of_range"),
    ("measureIndicator", "invalid_body", "/value", "not_allowed"),
    # A day has no least and no last in a schema; minutes are numbered in their year.
    ("createMinutes|updateMinutes", "invalid_body", "/held_on", "out_of_range|not_allowed"),
    ("createMinutes|updateMinutes", "invalid_body", "/ends_at", "out_of_range"),
    # Somebody with no account is there by name.
    ("createMinutes|updateMinutes", "invalid_body", r"/attendance/\d+/full_name", "required"),
    # Whether a password is easily guessed is no matter of its length or pattern.
    ("createUser|changeMyPassword|confirmPasswordReset", "invalid_body", "/password|/new_password", "too_guessable"),
    # A part of an object is merged into what is there; where nothing is, the rest of it is missing.
    ("updateRisk|updateMinutes", "invalid_body", r"/residual/\w+|/report/\w+", "required"),
    # No rule keeps for less than its minimum, which each rule has of its own.
    ("updateRetentionRule", "invalid_body", "/months", "out_of_range|not_allowed|required"),
    # A made-up token is that of no link.
    ("confirmPasswordReset", "password_link_invalid", None, None),
    # A made-up password is not the current one.
    ("changeMyPassword", "invalid_body", "/current_password", "not_allowed"),
    # Which types of files are taken is the desk's configuration.
    ("attachTo.*", "unsupported_media_type", None, None),
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    # Nobody sends a file of a gigabyte: Schemathesis takes one that it left as it was for too long.
    if type(failure).__name__ == "AcceptedNegativeData" and "violates `maxLength` at /properties/file" in str(failure):
        return False
    # Where a client names the fields of each item with `fields`, the others are left out.
    if type(failure).__name__ == "JsonSchemaError" and "fields" in (case.query or {}) and "is a required property" in str(failure):
        return False
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = json.loads(response.content)
    operation = case.operation.definition.raw["operationId"]
    rules = [rule for rule in MAY_BE_REFUSED if re.fullmatch(rule[0], operation) and rule[1] == problem["code"]]
    if any(pointer is None for _, _, pointer, _ in rules):
        return False
    errors = problem.get("errors", [])
    excused = [
        any(
            re.fullmatch(pointer, error["pointer"]) and re.fullmatch(code, error["code"])
            for _, _, pointer, code in rules
        )
        for error in errors
    ]
    return not (errors and all(excused))
