//! One request, and the three ways to serve it: read, write, and writes that a retry may repeat.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, ToStrError};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use uuid::Uuid;

use super::ClientAddress;
use super::account::unauthenticated;
use super::actor::{Actor, Admission};
use super::admissions;
use super::answer::Answer;
use super::body::Body;
use super::credential::{Credential, Proof, Subject};
use super::desk::Desk;
use super::idempotency::{self, Key, Known};
use super::known_keys;
use super::schemas::Schemas;
use crate::auth::policy::Action;
use crate::db::acting;
use crate::db::{Access, Db};
use crate::language::locale::{self, Locale};
use crate::problem::{Code, FieldError, Problem, Result, Text};

/// A request with a valid access token or key, and the desk that serves it.
pub struct Call {
    pub desk: web::Data<Desk>,
    credential: Credential,
    permission: Vec<Action>,
    /// Parameters of an operation that has none.
    stray_parameters: Vec<FieldError>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    idempotency_key: Option<String>,
    request: HttpRequest,
    /// Set once the caller is known to be staff.
    by_staff: Arc<AtomicBool>,
    /// Where a read is carried out; `None` for the primary.
    reads: Option<Db>,
}

/// The time that a request of staff spent with the database, the wait for a connection included. Not measured for
/// others: it would reveal data that they may not read.
#[derive(Clone, Copy)]
pub struct DatabaseTime(pub Duration);

/// What is known about a request before it is carried out.
pub enum Earlier<T> {
    /// It was carried out before, with this response.
    Answer(Answer),
    /// It was not; the result of the checks that precede the change.
    None(T),
}

/// How to release a claim that led to no response.
type Leave = fn(&mut PgConnection, Uuid, &Key) -> Result<()>;

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = Ready<actix_web::Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Call::from_head(request).map_err(Into::into))
    }
}

impl Call {
    fn from_head(request: &HttpRequest) -> Result<Self> {
        let desk = Desk::of_app(request)?;
        // The caller was identified where requests are counted.
        let credential = request.extensions().get::<Credential>().cloned().ok_or_else(unauthenticated)?;
        request.extensions_mut().insert::<Locale>(credential.locale);
        let operation = format!("{} {}", request.method(), request.match_pattern().unwrap_or_default());
        let schemas = Schemas::of_app(request)?;
        let permission = schemas.permission(&operation)?.to_vec();
        let faults = schemas.header_faults(&operation, |name| header_text(request.headers(), name));
        if !faults.is_empty() {
            let mut problem = Problem::new(
                Code::BadRequest,
                Text::new(
                    "Revise los encabezados indicados en `errors`.",
                    "Check the headers named in `errors`.",
                ),
            );
            problem.errors = faults;
            return Err(problem);
        }
        let stray_parameters = schemas.faults_without_parameters(&operation, request.query_string());
        let text = |name| header_text(request.headers(), name).and_then(|text| text.ok());
        Ok(Call {
            credential,
            permission,
            stray_parameters,
            if_match: text("if-match"),
            if_none_match: text("if-none-match"),
            idempotency_key: text("idempotency-key"),
            request: request.clone(),
            by_staff: Arc::default(),
            reads: None,
            desk,
        })
    }

    /// The language of the response: by `Accept-Language`, otherwise that of the account.
    pub fn locale(&self) -> Locale {
        locale::asked(&self.request).unwrap_or(self.credential.locale)
    }

    /// Reads from the standby, if there is one that has everything that was committed until now. For requests that read
    /// much: the position of the standby is asked for first.
    pub async fn from_standby(mut self) -> Self {
        if self.desk.replica.is_some() {
            self.reads = Some(self.desk.reading().await);
        }
        self
    }

    /// The pool that a read uses.
    pub fn pool(&self) -> Db {
        self.reads.as_ref().unwrap_or(&self.desk.db).clone()
    }

    /// Reads from the database before further work outside of it, such as receiving a file; it may also record that it did.
    pub async fn check<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Actor) -> Result<T> + Send + 'static,
    {
        let admission = self.admission();
        let run = move |db: &mut PgConnection| {
            let actor = admission.admit(db)?;
            act(db, &actor)
        };
        self.run(Access::Change, run).await
    }

    /// Reads with one connection, without a transaction. It changes nothing: it may use a connection that is reserved for
    /// reading.
    pub async fn read<F>(self, act: F) -> Result<HttpResponse>
    where
        F: FnOnce(&mut PgConnection, &Actor) -> Result<Answer> + Send + 'static,
    {
        let answer = self.look(act).await?;
        Ok(self.respond(answer))
    }

    /// Reads with one connection, as `read`, and makes the answer of what was read without it: `make` may compute for
    /// long.
    pub async fn read_then<T, F, M>(self, act: F, make: M) -> Result<HttpResponse>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Actor) -> Result<T> + Send + 'static,
        M: FnOnce(T) -> Result<Answer> + Send + 'static,
    {
        let read = self.look(act).await?;
        let answer = web::block(move || make(read)).await.map_err(Problem::internal)??;
        Ok(self.respond(answer))
    }

    /// Reads with one connection, for a request that may read again before it is answered. The caller is admitted each time.
    pub async fn look<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Actor) -> Result<T> + Send + 'static,
    {
        let (admission, admissions) = (self.admission(), Arc::clone(&self.desk.admissions));
        let run = move |db: &mut PgConnection| {
            let actor = admission.admit_to_read(db, &admissions)?;
            act(db, &actor)
        };
        self.run(Access::Read, run).await
    }

    /// The caller as they are now: known for a second, as for every read.
    pub async fn actor(&self) -> Result<Actor> {
        if let Some(actor) = self.admission().admit_known(&self.desk.admissions) {
            return Ok(actor);
        }
        match self.credential.subject() {
            Subject::Account(id) => self.admission().admit_account(admissions::load(&self.desk, id).await?),
            Subject::Key(_) | Subject::KeyOf { .. } => self.look(|_, actor| Ok(actor.clone())).await,
        }
    }

    /// Whether the client prefers a response before the work is done (RFC 7240, `Prefer: respond-async`).
    pub fn prefers_async(&self) -> bool {
        let preferences = header_text(self.request.headers(), "prefer").and_then(|text| text.ok());
        let names = preferences.iter().flat_map(|text| text.split(','));
        names.into_iter().any(|name| {
            name.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("respond-async"))
        })
    }

    /// What identifies the caller.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// When the access token expires, in seconds of the Unix time; `None` for a key.
    pub fn expires_at(&self) -> Option<i64> {
        self.credential.expires_at
    }

    /// Changes data in one transaction; under an `Idempotency-Key`, once.
    pub async fn write<T, F>(self, body: Body<T>, act: F) -> Result<HttpResponse>
    where
        T: 'static,
        F: FnOnce(&mut PgConnection, &Actor, Body<T>) -> Result<Answer> + Send + 'static,
    {
        let key = self.key(body.fingerprint().as_deref())?;
        self.write_under(key, move |tx, actor| act(tx, actor, body)).await
    }

    /// The same for a body that is not JSON; `fingerprint` distinguishes it from another.
    pub async fn write_fingerprinted<F>(self, fingerprint: Vec<u8>, act: F) -> Result<HttpResponse>
    where
        F: FnOnce(&mut PgConnection, &Actor) -> Result<Answer> + Send + 'static,
    {
        let key = self.key(Some(&fingerprint))?;
        self.write_under(key, act).await
    }

    /// The stored response to the request's `Idempotency-Key`, if there is one; otherwise performs the checks that
    /// precede the change.
    ///
    /// # Errors
    /// [Code::IdempotencyKeyReused] if the key was used with another request; otherwise the error of `act`.
    pub async fn check_fingerprinted<T, F>(&self, fingerprint: &[u8], act: F) -> Result<Earlier<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Actor) -> Result<T> + Send + 'static,
    {
        let key = self.key(Some(fingerprint))?;
        self.check(move |db, actor| {
            if let Some(key) = key
                && let Known::Answered(answer) = idempotency::known(db, actor.id, &key)?
            {
                return Ok(Earlier::Answer(answer));
            }
            act(db, actor).map(Earlier::None)
        })
        .await
    }

    async fn write_under<F>(self, key: Option<Key>, act: F) -> Result<HttpResponse>
    where
        F: FnOnce(&mut PgConnection, &Actor) -> Result<Answer> + Send + 'static,
    {
        let admission = self.admission();
        let (admissions, request) = (Arc::clone(&self.desk.admissions), self.request.head());
        let (method, path) = (request.method.clone(), request.uri.path().to_owned());
        let run = move |db: &mut PgConnection| {
            let done = db.transaction(|tx| {
                let actor = admission.admit(tx)?;
                match key {
                    Some(key) => idempotency::once(tx, actor.id, &key, |tx| act(tx, &actor)),
                    None => act(tx, &actor),
                }
            });
            // Here too: a client that has gone ends the handling of the request, but not this work.
            admissions.forget_after(&method, &path);
            done
        };
        let answer = self.run(Access::Change, run).await?;
        self.desk.written.notify_one();
        Ok(self.respond(answer))
    }

    /// Whether the request's `Idempotency-Key` was used before, with any request.
    pub async fn has_known_key(&self) -> Result<bool> {
        let Some(key) = self.idempotency_key.clone() else { return Ok(false) };
        let user_id = self.credential.user_id;
        self.run(Access::Read, move |db| idempotency::is_known(db, user_id, &key)).await
    }

    /// Work that cannot run in one transaction, once under an `Idempotency-Key`: `begin` runs in one transaction with
    /// the claim on the key, then `work`, then `end` records the result and returns whether it is final; only a final
    /// result is kept for repeats. A repeat of a request whose server died does not call `begin` again.
    ///
    /// # Errors
    /// A 409 while the first request is carried out; a 422 if the key was used with another request.
    pub async fn work<B, W, E>(
        self,
        fingerprint: Option<Vec<u8>>,
        begin: B,
        work: impl Future<Output = Result<W>>,
        end: E,
    ) -> Result<HttpResponse>
    where
        W: Send + 'static,
        B: FnOnce(&mut PgConnection, &Actor) -> Result<()> + Send + 'static,
        E: FnOnce(&mut PgConnection, W) -> Result<(Answer, bool)> + Send + 'static,
    {
        let admission = self.admission();
        let fingerprint = fingerprint.as_deref();
        let key = self.key(fingerprint)?;
        let begun = move |db: &mut PgConnection| {
            db.transaction(|tx| {
                let actor = admission.admit(tx)?;
                let known = match &key {
                    Some(key) => idempotency::claim(tx, actor.id, key)?,
                    None => Known::Nothing,
                };
                if let Known::Nothing = known {
                    begin(tx, &actor)?;
                }
                Ok(known)
            })
        };
        if let Known::Answered(answer) = self.run(Access::Change, begun).await? {
            return Ok(self.respond(answer));
        }
        let (ended, leave): (_, Leave) = match work.await {
            Ok(done) => (self.finish(fingerprint, move |tx| end(tx, done)).await, idempotency::let_go),
            Err(problem) => (Err(problem), idempotency::forget),
        };
        match ended {
            Ok(answer) => Ok(self.respond(answer)),
            Err(problem) => {
                self.leave(fingerprint, leave).await;
                Err(problem)
            }
        }
    }

    async fn finish<E>(&self, fingerprint: Option<&[u8]>, end: E) -> Result<Answer>
    where
        E: FnOnce(&mut PgConnection) -> Result<(Answer, bool)> + Send + 'static,
    {
        let (user_id, key) = (self.credential.user_id, self.key(fingerprint)?);
        let run = move |db: &mut PgConnection| {
            db.transaction(|tx| {
                acting::act_as(tx, user_id)?;
                let (answer, is_last_word) = end(tx)?;
                match key {
                    Some(key) if is_last_word => idempotency::finish(tx, user_id, &key, answer),
                    Some(key) => idempotency::let_go(tx, user_id, &key).map(|()| answer),
                    None => Ok(answer),
                }
            })
        };
        self.run(Access::Change, run).await
    }

    /// A claim that cannot be released expires.
    async fn leave(&self, fingerprint: Option<&[u8]>, leave: Leave) {
        let Ok(Some(key)) = self.key(fingerprint) else { return };
        let user_id = self.credential.user_id;
        if let Err(problem) = self.run(Access::Change, move |db| leave(db, user_id, &key)).await {
            log::warn!("a key stays claimed: {}", problem.log_line());
        }
    }

    /// `None` for a body that could not be received: its fault is reported when it is read.
    fn key(&self, fingerprint: Option<&[u8]>) -> Result<Option<Key>> {
        let (Some(key), Some(fingerprint)) = (self.idempotency_key.clone(), fingerprint) else {
            return Ok(None);
        };
        let mut request = format!("{} {} ", self.request.method(), self.request.path()).into_bytes();
        if !self.request.query_string().is_empty() {
            request.extend_from_slice(format!("?{} ", self.request.query_string()).as_bytes());
        }
        request.extend_from_slice(fingerprint);
        Ok(Some(Key { key, requests: self.desk.tokens.fingerprints(&request)? }))
    }

    fn admission(&self) -> Admission {
        Admission {
            credential: self.credential.clone(),
            permission: self.permission.clone(),
            stray_parameters: self.stray_parameters.clone(),
            if_match: self.if_match.clone(),
            timezone: self.desk.config.timezone,
            by_staff: Arc::clone(&self.by_staff),
        }
    }

    /// Works with the database, and records the duration for `Server-Timing` if the caller is staff.
    async fn run<T, F>(&self, access: Access, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let started = Instant::now();
        let done = match access {
            Access::Read => self.pool().read(act).await,
            Access::Change => self.desk.db.run(act).await,
        };
        if self.by_staff.load(Ordering::Relaxed) {
            self.request.extensions_mut().insert(DatabaseTime(started.elapsed()));
        }
        self.note_use_of_key(done.as_ref().err());
        done
    }

    /// Records the use of the caller's key, once a minute, while the request goes on.
    fn note_use_of_key(&self, problem: Option<&Problem>) {
        let Some(key_id) = self.credential.key_id() else { return };
        let keys = &self.desk.admissions.keys;
        if problem.is_some_and(|problem| problem.code == Code::Unauthenticated) {
            if let Proof::Key { hash, .. } = &self.credential.proof {
                keys.forget(hash);
            }
            return;
        }
        if self.desk.db.reads_only() || !keys.is_to_record(key_id) {
            return;
        }
        let desk = self.desk.clone();
        let address = ClientAddress::find(
            self.request.peer_addr().map(|peer| peer.ip()),
            self.request.headers(),
            &desk.config.trusted_proxies,
        );
        actix_web::rt::spawn(async move {
            let recorded = desk.db.run(move |db| known_keys::record_use(db, key_id, address.0)).await;
            if let Err(problem) = recorded {
                desk.admissions.keys.not_recorded(key_id);
                log::warn!("the use of a key was not recorded: {}", problem.log_line());
            }
        });
    }

    pub fn respond(self, answer: Answer) -> HttpResponse {
        // A 304 saves the body of a read; the response to a change always has its body.
        let reads = matches!(*self.request.method(), Method::GET | Method::HEAD);
        answer.respond(
            self.if_none_match.as_deref().filter(|_| reads),
            (self.request.path(), self.request.query_string()),
        )
    }
}

/// The values of this header as one text (RFC 9110, section 5.3).
fn header_text(headers: &header::HeaderMap, name: &str) -> Option<std::result::Result<String, ToStrError>> {
    let values: std::result::Result<Vec<&str>, ToStrError> =
        headers.get_all(name).map(|value| value.to_str()).collect();
    match values {
        Ok(values) if values.is_empty() => None,
        Ok(values) => Some(Ok(values.iter().map(|value| value.trim()).collect::<Vec<_>>().join(", "))),
        Err(error) => Some(Err(error)),
    }
}

/// The access token or key of a request, valid or not.
pub fn bearer(headers: &header::HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
