//! Reading the log in parts.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::Utc;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

use super::cursor::Cursor;
use super::feed::Feed;
use super::model::EventPage;
use super::reader::Reader;
use super::reading::{self, Following};
use super::types::Wanted;
use crate::auth::policy::Action;
use crate::http::desk::Phase;
use crate::http::traffic::Waited;
use crate::http::{Answer, Call, Query};
use crate::problem::Result;

/// Which events, and where to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilters {
    /// Where to begin: `next_cursor` of the previous answer, or the `cursor` of an event; `start`, the default, for the first
    /// event, and `end` for those that are still to come.
    #[param(min_length = 1, max_length = 100)]
    after: Option<String>,
    /// Events of this type; repeat it for several. `*` at the end stands for any end: `co.mesa.ticket.*`. All types if
    /// omitted.
    #[serde(default)]
    #[param(required = false, max_items = 100, min_length = 1, max_length = 100)]
    r#type: Vec<String>,
    /// The maximum number of events.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// How many seconds to wait for an event if there is none.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u32>,
}

/// What is followed, and until when to wait.
type Wish = (Following, Reader, Duration);

/// Read the log of events
///
/// All changes of tickets, articles, surveys, people, catalogues and records in the order of their commits, each as a
/// CloudEvent 1.0. Keep `next_cursor` and send it as `after`: a reader who continues there misses nothing and sees nothing
/// twice, although transactions commit in another order than they begin. A cursor does not expire. Events are never removed;
/// what is erased by law or by retention has an event of its own (`co.mesa.ticket.anonymized.v1`,
/// `co.mesa.user.anonymized.v1`, `co.mesa.retention_run.applied.v1`), so that a copy elsewhere can follow.
///
/// An event says which resource changed and which fields, not their values: read the resource at `link`. The reader receives
/// the events that they may see when the log is read: staff those of all tickets; a requester those of their own tickets that
/// they are notified of, and of their own surveys. When the role or the permissions of the reader have changed, or a backup was
/// restored, an earlier cursor can be a 410 (`cursor_gone`): begin again. With `wait` the answer is sent as soon as there is an
/// event, or after that time without one.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::FollowEvents))),
    tag = "events", operation_id = "getEventLog", params(EventFilters),
    responses(
        (status = 200, body = EventPage, description = "The next events"),
        (status = 410, description = "`cursor_gone`: the log does not have this place for this account; begin again"),
    )
)]
#[get("/events")]
pub async fn list(call: Call, feed: Data<Feed>, query: Query<EventFilters>) -> Result<HttpResponse> {
    // Reading the log numbers its last entries.
    let first = call.check(move |db, actor| {
        let EventFilters { after, r#type, limit, wait } = query.read()?;
        let following = Following {
            after: after.as_deref().map_or(Ok(Cursor::Start), Cursor::read)?,
            wanted: Wanted::new(r#type),
            limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100),
        };
        let reader = Reader::new(actor);
        let page = reading::page(db, &reader, &following)?;
        let wait = Duration::from_secs(u64::from(wait.unwrap_or_default()));
        Ok(((following, reader, wait), page))
    });
    let (wish, mut page) = first.await?;
    let waits = page.items.is_empty() && !page.has_more && !wish.2.is_zero();
    if waits {
        page = wait(&call, &feed, wish, page).await?;
    }
    let mut response = call.respond(Answer::ok(&page)?.content_tag());
    if waits {
        response.extensions_mut().insert(Waited);
    }
    Ok(response)
}

/// Waits for an event that the reader may see.
async fn wait(call: &Call, feed: &Data<Feed>, wish: Wish, mut page: EventPage) -> Result<EventPage> {
    let (mut following, reader, longest) = wish;
    // Not beyond the access token.
    let rest = call.expires_at().map(|at| u64::try_from(at - Utc::now().timestamp()).unwrap_or_default());
    let until = Instant::now() + rest.map_or(longest, |rest| longest.min(Duration::from_secs(rest)));
    let mut follower = Feed::follow(feed, &call.desk);
    let mut phase = call.desk.phase.subscribe();
    loop {
        // The end moves: from here on the place is what the first reading found.
        following.after = Cursor::read(&page.next_cursor)?;
        let is_over = tokio::select! {
            () = follower.visible(&reader, &following.wanted) => false,
            () = sleep_until(until) => true,
            _ = phase.wait_for(|phase| *phase == Phase::Stopping) => true,
        };
        if is_over {
            return Ok(page);
        }
        let again = following.clone();
        page = call.check(move |db, actor| reading::page(db, &Reader::new(actor), &again)).await?;
        if !page.items.is_empty() || page.has_more {
            return Ok(page);
        }
    }
}
