"""Hooks of Schemathesis: how to sign in, values of some formats, and which rejections of valid requests are not failures."""

import json
import os
import re
from email.message import EmailMessage
from email.policy import SMTP

import requests
import schemathesis
from hypothesis import strategies as st

DESK = os.environ["MESA_DESK"]
# The answer of the sign-in, and the ids of the accounts that sign in.
SESSION = json.loads(os.environ["MESA_SESSION"])
ACCOUNTS = os.environ["MESA_ACCOUNTS"].split()


# Uses the refresh token, because the wrong passwords that Schemathesis sends lock the sign-in of an account
# temporarily.
@schemathesis.auth(refresh_interval=600).skip_for(path_regex="/auth/")
class Token:
    def get(self, case, context):
        global SESSION
        body = {"refresh_token": SESSION["refresh_token"]}
        SESSION = requests.post(f"{DESK}/api/v1/auth/refresh", json=body, timeout=30).json()
        return SESSION["access_token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


# A director can deactivate every user; the accounts that this test signs in with are not changed.
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
    """Realistic mail messages."""
    mail = EmailMessage(policy=SMTP)
    name = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
    mail["From"] = draw(st.sampled_from(["Rosa <rosa@example.gov.co>", "tech@mesa.test", "nadie@example.com"]))
    mail["Subject"] = draw(st.sampled_from(["", "[#1] "])) + draw(name)
    mail["Message-ID"] = f"<{draw(st.uuids())}@example.com>"
    mail.set_content(draw(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=200)))
    return mail.as_bytes()


schemathesis.openapi.media_type("message/rfc822", message())


# Schemathesis needs the message as bytes; the example in the contract is a text.
@schemathesis.hook
def before_load_schema(context, raw_schema):
    for item in raw_schema["paths"].values():
        for operation in item.values():
            mail = operation.get("requestBody", {}).get("content", {}).get("message/rfc822")
            if mail:
                mail["example"] = mail["example"].encode()
    # A stream has no end, and what waits for an event would wait at each of many requests: tests/api/event_log.rs has both.
    del raw_schema["paths"]["/api/v1/events/stream"]
    events = raw_schema["paths"]["/api/v1/events"]["get"]
    events["parameters"] = [one for one in events["parameters"] if one.get("name") != "wait"]


@schemathesis.deserializer("text/csv", "text/html", "application/vnd.*", "message/rfc822", "image/*", "application/pdf", "application/zip")
def as_it_is(context, response):
    return response.content.decode("latin-1")


# Requests that match the schema and may be rejected: the operation, the code of the problem, and for `invalid_body` and
# `invalid_query` the field and its code. Rules that a schema can express are in the contract, so they are not listed.
ANY = r".*"
MAY_BE_REFUSED = [
    # A cursor is valid only for the list, filters and order it was issued for.
    (ANY, "invalid_cursor", None, None),
    # A generated ETag names no current version.
    (ANY, "precondition_failed", None, None),
    # A key that is reused for a different request.
    (ANY, "idempotency_key_reused", None, None),
    # A generated id does not exist, or names a resource that is not allowed here.
    (ANY, "invalid_body", ANY, "not_found"),
    ("mergeTicket|createTicketRelation", "invalid_body", "/into_ticket_id|/ticket_id", "not_allowed"),
    # The two tickets have different requesters.
    ("mergeTicket", "invalid_body", "/confirm_other_requester", "required"),
    # The address finds a person for whom staff register, without an account and without `requester_id`.
    ("createTicket|resubmitTicket", "invalid_body", "/requester/email", "not_allowed"),
    # Minimum data that the account or the ticket lacks, or that a correction would remove.
    ("createTicket|resubmitTicket|updateTicket", "invalid_body", "/requester/(full_name|document_id|contact|unit_id)", "required"),
    # An article has steps or the mark that none apply.
    ("createArticle|updateArticle", "invalid_body", "/no_steps|/steps", "not_allowed|required"),
    # Depends on the reason.
    ("archiveTicket", "invalid_body", "/missing_data", "required|not_allowed"),
    ("assignTicket", "invalid_body", "/assignee_id", "not_allowed"),
    ("handOverTickets", "invalid_body", "/assignee_id", "not_allowed"),
    ("replaceUserShifts|createUserAbsence|updateAbsence", "invalid_body", "", "not_allowed"),
    ("updateSurveyQuestion", "invalid_body", "/active", "not_allowed"),
    ("answer(Ticket)?Survey(Link)?", "invalid_body", r"/answers/\d+/question_id", "not_allowed|duplicate"),
    ("createTicket|updateTicket", "invalid_body", "/category_id", "not_allowed"),
    # A time that must be after another one, or within a maximum distance.
    ("getStatistics|listProfileFindings", "invalid_query", "/through_date", "not_allowed"),
    # Too many intervals in a period, or a period that is too long.
    ("getStatistics", "invalid_query", "/interval", "not_allowed"),
    ("listAvailability", "invalid_query", "/available_at", "not_allowed"),
    ("createUserAbsence|updateAbsence", "invalid_body", "/ends_at", "out_of_range"),
    ("createAttentionReckoning", "invalid_body", r"/pauses/\d+/ends_at", "out_of_range"),
    ("replaceUserShifts", "invalid_body", r"/shifts/\d+", "overlaps"),
    (ANY, "invalid_body", "/scheduled_for|/deadline_at|/promised_for", "not_in_future|outside_shift|out_of_range"),
    # Opening hours have a grammar that a text of maximum length does not match.
    ("createCalendar|updateCalendar|createAttentionReckoning", "invalid_body", "/opening_hours", "wrong_format|not_supported"),
    # Size and root of a head are required together, and not allowed with a ticket.
    ("verifyHistory", "invalid_query", "/head_size|/head_root", "not_allowed"),
    # The fields of a holiday depend on its kind, and the date must exist.
    (
        "createHoliday|updateHoliday",
        "invalid_body",
        "/month|/day|/days_from_easter|/date|/first_year|/last_year|/name",
        "required|not_allowed|out_of_range",
    ),
    # The form has the fields of three grant types.
    ("issueToken", "invalid_body", "/username|/password|/refresh_token|/client_id|/client_secret", "required"),
    # A file must not be empty; `minLength` on binary content breaks client generators.
    ("create.*Attachment", "invalid_body", "/file", "too_short"),
    # Opening hours without enough open minutes.
    ("getCalendarDueTime", "invalid_query", "/within_minutes", "not_allowed"),
    ("createAttentionReckoning|updateAttentionTime", "invalid_body", "/within_minutes", "out_of_range"),
    ("updateCalendar", "invalid_body", "/opening_hours", "out_of_range"),
    # Fields that depend on another field, or on the state of the ticket.
    ("listArticles", "invalid_query", "/sort", "not_allowed"),
    ("acceptTicket|rescheduleTicket", "invalid_body", "/scheduled_for", "required|not_allowed"),
    ("escalateTicket", "invalid_body", "/to_level", "out_of_range"),
    ("escalateTicket", "invalid_body", "/third_party|/reference|/promised_for", "not_allowed"),
    # A technician names only themselves as the author.
    ("updateQuarterlyReportNarrative", "invalid_body", "/author_id", "not_allowed"),
    # The requester of the ticket is not added.
    ("createTicketWatcher", "invalid_body", "/user_id", "not_allowed"),
    # Fields that are required if the requester's profile does not have them.
    (
        "createTicket|resubmitTicket",
        "invalid_body",
        "/requester(/full_name|/document_id|/contact|/unit_id)?",
        "required",
    ),
    # A requester cannot expand accounts of a ticket.
    ("listTickets|getTicket", "invalid_query", "/expand", "not_allowed"),
    # A requester sees no drafts, and can archive only as withdrawn.
    ("listArticles", "invalid_query", "/status|/visibility", "not_allowed"),
    ("archiveTicket", "invalid_body", "/reason", "not_allowed"),
    # Filters for staff only.
    ("listTickets|exportTickets|createTicketExport|getTicketCounts", "invalid_query", ANY, "not_allowed"),
    # The fields of an origin depend on its kind.
    ("(create|update)(ImprovementAction|Risk)", "invalid_body", r"/origin/\w+", "required|not_allowed"),
    # The residual risk must not exceed the inherent risk.
    ("createRisk|updateRisk", "invalid_body", r"/residual/\w+", "out_of_range"),
    # A record that is no longer a draft cannot become one.
    ("update(ImprovementAction|Risk|Indicator)", "invalid_body", "/status|/measure", "not_allowed"),
    # A field of one measure only, and a warning that must not meet the target.
    ("createIndicator|updateIndicator", "invalid_body", "/within_hours", "required|not_allowed"),
    ("createIndicator|updateIndicator", "invalid_body", "/warning", "out_of_range"),
    # A period that has not begun or that the frequency lacks, one of two fields, and a value for an indicator that is computed.
    ("createIndicatorMeasurement", "invalid_body", "/quarter|/period", "out_of_range|required|not_allowed"),
    ("createIndicatorMeasurement", "invalid_body", "/value", "not_allowed"),
    # A schema has no minimum and maximum for dates; minutes are numbered per year, which cannot change.
    ("createMeetingMinutes|updateMeetingMinutes", "invalid_body", "/held_on", "out_of_range|not_allowed"),
    ("createMeetingMinutes|updateMeetingMinutes", "invalid_body", "/end_time", "out_of_range"),
    # An attendee without an account needs a name.
    ("createMeetingMinutes|updateMeetingMinutes", "invalid_body", r"/attendees/\d+/full_name", "required"),
    # Guessable passwords cannot be described by length or pattern.
    ("createUser|changeMyPassword|confirmPasswordReset", "invalid_body", "/password|/new_password", "too_guessable"),
    # A partial object is merged into the existing one; without one the other fields are missing.
    ("updateRisk|updateMeetingMinutes", "invalid_body", r"/residual/\w+|/report/\w+", "required"),
    # Each retention rule has its own minimum.
    ("updateRetentionRule", "invalid_body", "/retention_months", "out_of_range|not_allowed|required"),
    # A generated token belongs to no link.
    ("confirmPasswordReset", "password_link_invalid", None, None),
    # A generated password is not the current one.
    ("changeMyPassword|createMyKey", "invalid_body", "/current_password", "not_allowed"),
    # A schema has no minimum and maximum for times.
    ("createMyKey|createServiceAccountKey", "invalid_body", "/expires_at", "not_allowed"),
    # The possible scopes depend on the role, on each other and on the limits.
    ("(create|update)ServiceAccount", "invalid_body", r"/scopes/\d+|/role", "not_allowed"),
    # Each operation has one of several properties, and its own rules.
    ("createTicketBulk", "invalid_body", r"/operations/\d+.*", ANY),
    # One of two fields, times in the order in which it happened, and a person who has no account yet.
    (
        "importTicket",
        "invalid_body",
        r"/solution.*|/archive.*|/requester.*|/closed_at|/received_at|/attended_at",
        "required|not_allowed|out_of_range",
    ),
    # An address that is not public, and a span that the state requires.
    ("(create|update)Webhook", "invalid_body", "/url", ANY),
    ("retryWebhookDeliveries", "invalid_body", "/created_from_at|/created_before_at", ANY),
    # The accepted types of files are configured.
    ("create.*Attachment", "unsupported_media_type", None, None),
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    # Schemathesis does not generate a file of a gigabyte, and reports its unchanged file as too long.
    if type(failure).__name__ == "AcceptedNegativeData" and "violates `maxLength` at /properties/file" in str(failure):
        return False
    # A language that is not understood is ignored (RFC 9110, section 12.5.4).
    if type(failure).__name__ == "AcceptedNegativeData" and "parameter `Accept-Language` in header" in str(failure):
        return False
    # The body of an operation in bulk is checked when it is carried out, and has a result of its own, or becomes a job.
    # In stateful tests the failure does not say what is wrong.
    in_operation = "/properties/operations/items/" in str(failure) or "positive test case" in str(failure)
    in_bulk = case.operation.definition.raw["operationId"] == "createTicketBulk" and in_operation
    if type(failure).__name__ == "AcceptedNegativeData" and in_bulk:
        results = json.loads(response.content).get("results", [])
        return response.status_code != 202 and all(result["status"] != 422 for result in results)
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
