//! The log as a stream of server-sent events.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use utoipa::IntoParams;

use super::cursor::Cursor;
use super::entry::Entry;
use super::feed::{Feed, Follower};
use super::model::LogEvent;
use super::places::{Place, Places};
use super::presence::Change;
use super::reader::Reader;
use super::reading::{self, Following};
use super::types::Wanted;
use crate::auth::policy::Action;
use crate::http::body::Content;
use crate::http::desk::Phase;
use crate::http::envelope::WasHead;
use crate::http::{Call, Query};
use crate::problem::{Code, Problem, Result};

/// How often something is sent, so that proxies and clients see that the connection works.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long the stream of a key lasts, in seconds. A key is checked whenever an event is sent.
const LONGEST: i64 = 24 * 60 * 60;
/// How long to wait after an error of the database.
const AGAIN: Duration = Duration::from_millis(500);
/// How many events are read from the database at once.
const PART: usize = 200;

/// Which events, and where to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamFilters {
    /// Where to begin: a cursor of `GET /events`, `start`, or `end`, the default, for the events that are still to come.
    #[param(min_length = 1, max_length = 100)]
    after: Option<String>,
    /// Events of this type; repeat it for several. `*` at the end stands for any end: `co.mesa.ticket.*`. All types if
    /// omitted.
    #[serde(default)]
    #[param(required = false, max_items = 100, min_length = 1, max_length = 100)]
    r#type: Vec<String>,
    /// After how many seconds the server ends the stream. It ends when the access token expires in any case.
    #[param(minimum = 1, maximum = 3600)]
    seconds: Option<u32>,
    /// Whether to send who has which ticket open.
    #[param(default = true)]
    presence: Option<bool>,
    /// The ticket of `POST /events/stream-tickets`, instead of `Authorization`: valid once. Ignored beside `Authorization`.
    #[param(min_length = 43, max_length = 43)]
    #[expect(dead_code, reason = "the caller was identified by it")]
    ticket: Option<String>,
}

/// Follow the events of the desk
///
/// The events of `GET /events` as server-sent events (`text/event-stream`): `id` is the cursor, `data` the event as JSON, and
/// the name of the event is the default one, `message`. The stream begins with an event `place` with
/// the `id` of the place and no content. A client that connects again with `Last-Event-ID` continues after that place without a
/// gap, at any copy of the server and after a restart. Every 15 seconds without an event a line without data
/// follows. What the reader may see is decided when an event is sent.
///
/// Who has a ticket open is sent to those who may read its private followups, as events with the name `presence` and a
/// `PresentPerson` as data: at the beginning all who are there, then changes, with `activity: null` when somebody leaves. They
/// have no `id` and are not part of the log.
///
/// `EventSource` of browsers cannot send `Authorization`: it uses a ticket of `POST /events/stream-tickets`.
///
/// The stream ends when the access token expires, when the account is disabled, when the server stops, and when a client has
/// not taken what was sent for a minute: connect again. An account can have a limited number of streams at a time
/// (`MESA_ACCOUNT_STREAMS`).
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::FollowEvents)), ("x-mesa-unversioned" = json!(true))),
    tag = "events", operation_id = "getEventStream",
    params(
        StreamFilters,
        ("Last-Event-ID" = Option<String>, Header, max_length = 100, description = "The `id` of the last event that was received; it has precedence over `after`."),
    ),
    responses(
        (status = 200, body = Content, content_type = "text/event-stream", description = "The events, until the stream ends"),
        (status = 429, description = "`too_many_requests`: too many requests, or the account has all the streams that it may have; try again after `Retry-After` seconds"),
        (status = 410, description = "`cursor_gone`: the log does not have this place for this account; begin again"),
    )
)]
#[get("/events/stream")]
pub async fn follow(
    call: Call,
    request: HttpRequest,
    feed: Data<Feed>,
    query: Query<StreamFilters>,
) -> Result<HttpResponse> {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let config = &call.desk.config;
    let user_id = call.credential().user_id;
    let place = Places::take(&feed.places, user_id, config.account_streams, config.streams)?;
    let is_head = request.extensions().contains::<WasHead>();
    let begin = call.check(move |db, actor| {
        let StreamFilters { after, r#type, seconds, presence, .. } = query.read()?;
        let after = last.filter(|last| !last.is_empty()).or(after);
        let after = after.as_deref().map_or(Ok(Cursor::End), Cursor::read)?;
        let mut following = Following { after, wanted: Wanted::new(r#type), limit: PART };
        let reader = Reader::new(actor);
        // An error of the cursor is an answer of its own; the end is where the reader connected.
        let is_end = following.after == Cursor::End;
        let (found, _) = reading::page_up_to(db, &reader, &following, if is_end { i64::MAX } else { -1 })?;
        if is_end {
            following.after = Cursor::read(&found.next_cursor)?;
        }
        Ok((following, seconds, presence.unwrap_or(true)))
    });
    let (following, seconds, with_presence) = begin.await?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression and proxies would hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"));
    if is_head {
        return Ok(answer.finish());
    }
    let rest = call.expires_at().map_or(LONGEST, |at| at - chrono::Utc::now().timestamp());
    let lasts = u64::try_from(rest).unwrap_or_default().min(seconds.map_or(u64::MAX, u64::from));
    let phase = call.desk.phase.subscribe();
    let follower = Feed::follow(&feed, &call.desk);
    let now = Instant::now();
    // With data, because some clients keep the `id` of what has data only.
    let beginning =
        Bytes::from(format!("retry: 2000\nid: {}\nevent: place\ndata: {{}}\n\n", following.after));
    let events = Events {
        call,
        place,
        follower,
        phase,
        following,
        read_up_to: None,
        with_presence,
        known_presence: None,
        // With its place, from which a client continues that is cut off before the first event.
        ready: VecDeque::from([beginning]),
        ends_at: now + Duration::from_secs(lasts),
        sent_at: now,
    };
    let body = stream::unfold(events, |mut events| async move {
        let next = events.next().await?;
        Some((Ok::<_, actix_web::Error>(next), events))
    });
    Ok(answer.streaming(body))
}

/// The stream of one client.
struct Events {
    call: Call,
    #[expect(dead_code, reason = "it is free again when this is dropped")]
    place: Place,
    follower: Follower,
    phase: watch::Receiver<Phase>,
    following: Following,
    /// The position up to which the log was read; `None` as long as the database has to be read.
    read_up_to: Option<i64>,
    with_presence: bool,
    /// How many changes of presence were sent or passed over; `None` before the first look.
    known_presence: Option<u64>,
    ready: VecDeque<Bytes>,
    ends_at: Instant,
    /// When the client took the last part.
    sent_at: Instant,
}

impl Events {
    /// The next part; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                self.sent_at = Instant::now();
                return Some(part);
            }
            let done = match self.read_up_to {
                None => self.catch_up().await,
                Some(position) => match self.follower.after(position) {
                    None => {
                        self.read_up_to = None;
                        Ok(())
                    }
                    Some(entries) => {
                        let (changes, known) = self.presence();
                        if entries.is_empty() && changes.is_empty() {
                            self.known_presence = known;
                            self.wait().await?
                        } else {
                            let sent = self.send(&entries, &changes).await;
                            if sent.is_ok() {
                                self.known_presence = known;
                            }
                            sent
                        }
                    }
                },
            };
            match done {
                Ok(()) => {}
                Err(problem) if is_passing(&problem) => sleep(AGAIN).await,
                // The account was disabled, or may no longer follow: the next request says why.
                Err(_) => return None,
            }
            if self.ends_at <= Instant::now() {
                return None;
            }
        }
    }

    /// What there is to send of presence, and the place after it.
    fn presence(&self) -> (Vec<Arc<Change>>, Option<u64>) {
        if !self.with_presence {
            return (Vec::new(), None);
        }
        let (changes, known) = self.follower.presence_after(self.known_presence);
        (changes, Some(known))
    }

    /// Waits for something new; after a while without, something is sent all the same. `None` at the end.
    async fn wait(&mut self) -> Option<Result<()>> {
        let is_silent = tokio::select! {
            () = self.follower.changed() => false,
            () = sleep_until(self.sent_at + HEARTBEAT) => true,
            () = sleep_until(self.ends_at) => return None,
            _ = self.phase.wait_for(|phase| *phase == Phase::Stopping) => return None,
        };
        if !is_silent {
            return Some(Ok(()));
        }
        self.ready.push_back(self.heartbeat());
        // The account may have been disabled, or signed out.
        Some(self.call.actor().await.map(drop))
    }

    /// Makes a part of new entries and changes of presence, as far as the reader may see them now.
    async fn send(&mut self, entries: &[Arc<Entry>], changes: &[Arc<Change>]) -> Result<()> {
        let reader = Reader::new(&self.call.actor().await?);
        let mut part = String::new();
        for entry in entries {
            if let Some(event) = reading::event(&reader, entry, &self.following.wanted) {
                self.following.after = Cursor::Event(entry.event_id);
                write_event(&mut part, &event)?;
            }
        }
        if let Some(last) = entries.last() {
            self.read_up_to = Some(last.position);
            if !reader.reads_own() {
                self.following.after = Cursor::of_entry(last);
            }
        }
        let mut part = BytesMut::from(part.as_bytes());
        for change in changes.iter().filter(|change| reader.sees_presence(change.unit_id, change.category_id))
        {
            part.extend_from_slice(&change.text);
        }
        if !part.is_empty() {
            self.ready.push_back(part.freeze());
        }
        Ok(())
    }

    /// Reads a part of what came before the newest entries of the feed.
    async fn catch_up(&mut self) -> Result<()> {
        let Some(newest) = self.follower.position() else {
            tokio::select! {
                () = self.follower.changed() => {}
                () = sleep_until(self.ends_at) => {}
                _ = self.phase.wait_for(|phase| *phase == Phase::Stopping) => self.ends_at = Instant::now(),
            }
            return Ok(());
        };
        let following = self.following.clone();
        let read =
            self.call.look(move |db, actor| reading::page_up_to(db, &Reader::new(actor), &following, newest));
        let (page, position) = read.await?;
        self.following.after = Cursor::read(&page.next_cursor)?;
        let mut part = String::new();
        for event in &page.items {
            write_event(&mut part, event)?;
        }
        if !part.is_empty() {
            self.ready.push_back(part.into());
        }
        if !page.has_more {
            // The feed can be behind the place that the client names.
            self.read_up_to = Some(newest.max(position));
        }
        Ok(())
    }

    /// Moves the place of a reader of the whole log, so that they do not go through what they do not see again.
    fn heartbeat(&self) -> Bytes {
        match &self.following.after {
            place @ Cursor::Position(..) => format!("id: {place}\n\n").into(),
            _ => Bytes::from_static(b":\n\n"),
        }
    }
}

fn write_event(part: &mut String, event: &LogEvent) -> Result<()> {
    let data = serde_json::to_string(event).map_err(Problem::internal)?;
    write!(part, "id: {}\ndata: {data}\n\n", event.envelope().cursor).map_err(Problem::internal)
}

/// Whether the stream may continue after this error.
fn is_passing(problem: &Problem) -> bool {
    !matches!(problem.code, Code::Unauthenticated | Code::Forbidden | Code::CursorGone)
}
