//! A due time for any calendar, and how it is computed.

use std::sync::LazyLock;
use std::time::Duration;

use actix_web::{HttpResponse, post, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::auth::policy::Action;
use crate::holidays::{Holidays, sets};
use crate::http::{Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Reason, Result, Text};
use crate::tickets::clock::{Calendar, OutOfReach, Span, Stretch};

/// The maximum number of stretches in a response.
pub const MOST_STRETCHES: usize = 1000;

/// A due time, and the stretches of time that lead to it.
#[derive(Serialize, ToSchema)]
pub struct Reckoning {
    /// When the clock started.
    #[serde(rename = "starts_at")]
    from: DateTime<Utc>,
    /// How many minutes have to count.
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
    /// The opening hours during which the minutes count.
    #[schema(max_length = 500, example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off")]
    opening_hours: String,
    /// The time zone of the opening hours.
    #[schema(max_length = 100, example = "America/Bogota")]
    timezone: String,
    /// The moment at which all the minutes have counted.
    due_at: DateTime<Utc>,
    /// The stretches of time from the start to the due time, in order; at most 1000. `GET /calendars/{calendar_id}/due`
    /// returns only those that counted.
    stretches: Vec<Stretch>,
    /// Whether `stretches` is complete up to the due time.
    complete: bool,
}

/// The input of the computation.
pub struct Question<'a> {
    pub from: DateTime<Utc>,
    pub minutes: i32,
    pub opening_hours: String,
    pub timezone: Tz,
    pub pauses: &'a [Span],
}

impl Question<'_> {
    /// The due time, with the stretches that `told` selects.
    ///
    /// # Errors
    /// If the calendar is not open for that long within twenty years.
    pub fn answer(self, calendar: &Calendar, told: fn(&Stretch) -> bool) -> Result<Reckoning, OutOfReach> {
        let due_at = calendar.due(self.from, self.minutes, self.pauses)?;
        let stretches = calendar.stretches(self.from, due_at, self.pauses).filter(told);
        let (stretches, complete) = bounded(stretches);
        Ok(Reckoning {
            from: self.from,
            minutes: self.minutes,
            opening_hours: self.opening_hours,
            timezone: self.timezone.name().to_owned(),
            due_at,
            stretches,
            complete,
        })
    }
}

/// The first `MOST_STRETCHES` stretches, and whether these are all.
pub fn bounded(mut stretches: impl Iterator<Item = Stretch>) -> (Vec<Stretch>, bool) {
    let told = stretches.by_ref().take(MOST_STRETCHES).collect();
    let complete = stretches.next().is_none();
    (told, complete)
}

/// A period in which the clock is paused: it includes `starts_at` and excludes `ends_at`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When the pause begins.
    #[schema(example = "2026-11-23T15:00:00Z")]
    #[serde(rename = "starts_at")]
    from: DateTime<Utc>,
    /// When the pause ends; after `starts_at`.
    #[schema(example = "2026-11-23T16:30:00Z")]
    #[serde(rename = "ends_at")]
    to: DateTime<Utc>,
}

/// The input for the computation of a due time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReckoningCreate {
    /// When the clock starts.
    #[schema(example = "2026-11-23T14:00:00Z")]
    #[serde(rename = "starts_at")]
    from: DateTime<Utc>,
    /// How many minutes have to count.
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
    /// An OpenStreetMap `opening_hours` expression with exact hours, in the entity's time zone; `24/7` if omitted.
    /// `PH` are the public holidays of `GET /holidays`. For the accepted expressions see `POST /calendars`.
    #[schema(
        format = "opening-hours",
        min_length = 1,
        max_length = 500,
        example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off"
    )]
    opening_hours: Option<String>,
    /// The periods in which the clock is paused, in any order; they may overlap. None if omitted.
    #[schema(max_items = 100)]
    pauses: Option<Vec<Pause>>,
}

/// Calculate a due time from opening hours
///
/// The same computation as for a ticket, for any start, opening hours, attention time and pauses. Nothing is stored.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs)), ("x-mesa-unversioned" = json!(true))),
    tag = "calendars", operation_id = "createAttentionReckoning", request_body = ReckoningCreate,
    responses((status = 200, body = Reckoning, description = "The due time, and the stretches of time that lead to it"))
)]
#[post("/attention-reckonings")]
pub async fn reckon(call: Call, body: Body<ReckoningCreate>) -> Result<HttpResponse> {
    let timezone = call.desk.config.timezone;
    let holidays = call.look(|db, _| sets::current(db)).await?;
    let _place = tokio::time::timeout(WAIT, PLACES.acquire())
        .await
        .map_err(|_| {
            Problem::unavailable("too many due times are being computed").because(Reason::Computation)
        })?
        .map_err(Problem::internal)?;
    // Runs outside of the network threads and without a database connection.
    let answer =
        web::block(move || reckoned(body, timezone, &holidays)).await.map_err(Problem::internal)??;
    Ok(answer.respond(None, ("", "")))
}

/// How many computations run at once: half of the processors, so that other requests are still served.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(2);

fn reckoned(body: Body<ReckoningCreate>, timezone: Tz, holidays: &Holidays) -> Result<Answer> {
    let new = body.read_with(|value| {
        let hours = value["opening_hours"].as_str().map(|hours| Calendar::parse(hours, timezone, holidays));
        Ok(hours
            .and_then(|hours| hours.err())
            .map(|unusable| unusable.at("/opening_hours"))
            .into_iter()
            .collect())
    })?;
    let pauses = spans(&new.pauses.unwrap_or_default())?;
    let opening_hours = new.opening_hours.unwrap_or_else(|| "24/7".to_owned());
    let calendar = Calendar::parse(&opening_hours, timezone, holidays)
        .map_err(|unusable| Problem::field(unusable.at("/opening_hours")))?;
    let question =
        Question { from: new.from, minutes: new.minutes, opening_hours, timezone, pauses: &pauses };
    let reckoning = question.answer(&calendar, |_| true).map_err(|_| {
        Problem::field(FieldError::new("/within_minutes", FieldCode::OutOfRange, OutOfReach::text()))
    })?;
    Answer::ok(&reckoning)
}

fn spans(pauses: &[Pause]) -> Result<Vec<Span>> {
    let faults: Vec<FieldError> = pauses
        .iter()
        .enumerate()
        .filter(|(_, pause)| pause.to <= pause.from)
        .map(|(index, _)| {
            let text = Text::new("Debe ser posterior a `starts_at`.", "It must be after `starts_at`.");
            FieldError::new(format!("/pauses/{index}/ends_at"), FieldCode::OutOfRange, text)
        })
        .collect();
    if faults.is_empty() {
        Ok(pauses.iter().map(|pause| Span { from: pause.from, to: pause.to }).collect())
    } else {
        Err(Problem::fields(faults))
    }
}
