//! A JSON body, validated only after the caller, the permission and the visibility of the resource were checked.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::client_key::ClientKey;
use super::receive::{self, BodyLimits, NotReceived, ReceivedBody};
use super::schemas::Schemas;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// The largest JSON body or form of a client with a valid access token, in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// The largest JSON body or form of a client without one: several times the size of a sign-in or an answered survey.
const UNAUTHENTICATED_LIMIT: usize = 64 * 1024;

/// The bytes of a JSON body and the type to read from them.
pub struct Body<T> {
    /// `None` once it was read.
    raw: Option<std::result::Result<ReceivedBody, Problem>>,
    /// The JSON, if [`Body::peek`] parsed it.
    parsed: Option<Result<Value>>,
    schemas: Arc<Schemas>,
    read_as: PhantomData<fn() -> T>,
}

impl<T> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = actix_web::Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = receive(request, payload, &["application/json", "application/merge-patch+json"]);
        let schemas = Schemas::of_app(request);
        Box::pin(async move {
            Ok(Body { raw: Some(raw.await?), parsed: None, schemas: schemas?, read_as: PhantomData })
        })
    }
}

/// The bytes of a body of one of these media types; a fault is kept until the body is read.
pub(super) fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
    media_types: &'static [&'static str],
) -> impl Future<Output = Result<std::result::Result<ReceivedBody, Problem>>> + use<> {
    let (request, payload) = (request.clone(), payload.take());
    async move {
        let limits = limits(&ClientKey::from_request(&request));
        Ok(match receive::read_body(&request, payload, limits).await {
            Ok(body) if body.bytes.is_empty() || is_of(&request, media_types) => Ok(body),
            Ok(_) => {
                let wanted = media_types[0];
                let detail = Text::made(format!("Envíe {wanted}."), format!("Send {wanted}."));
                Err(Problem::new(Code::UnsupportedMediaType, detail))
            }
            Err(NotReceived::TooLarge) => Err(too_large(limits.bytes)),
            Err(NotReceived::Incomplete) => Err(receive::incomplete()),
            Err(NotReceived::Refused(problem)) => return Err(*problem),
        })
    }
}

/// The limits of a JSON body or a form of this client.
fn limits(client: &ClientKey) -> BodyLimits {
    if client.is_authenticated() {
        BodyLimits { bytes: LIMIT, time: TIME, bytes_a_second: None }
    } else {
        BodyLimits { bytes: UNAUTHENTICATED_LIMIT, time: UNAUTHENTICATED_TIME, bytes_a_second: None }
    }
}

fn is_of(request: &HttpRequest, media_types: &[&str]) -> bool {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sent = sent.split(';').next().unwrap_or_default().trim();
    media_types.iter().any(|wanted| wanted.eq_ignore_ascii_case(sent))
}

/// A body that is a part of another one, of any type.
pub struct AnyBody {
    value: Value,
    schemas: Arc<Schemas>,
}

impl AnyBody {
    pub fn new(value: Value, schemas: &Arc<Schemas>) -> Self {
        AnyBody { value, schemas: Arc::clone(schemas) }
    }

    pub fn typed<T>(self) -> Body<T> {
        Body { raw: None, parsed: Some(Ok(self.value)), schemas: self.schemas, read_as: PhantomData }
    }
}

/// The bytes of a file or of a message, as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Content(pub Vec<u8>);

/// How long a JSON body or a form may take to arrive.
const TIME: Duration = Duration::from_secs(30);

/// The same without a valid access token.
const UNAUTHENTICATED_TIME: Duration = Duration::from_secs(10);

/// Reads from the network, with a time limit.
///
/// # Errors
/// A 408 after the time limit.
pub async fn in_time<T>(limit: Duration, read: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(limit, read).await.map_err(|_| receive::too_slow())
}

#[track_caller]
fn too_large(limit: usize) -> Problem {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    let limit = if limit >= MIB { format!("{} MiB", limit / MIB) } else { format!("{} KiB", limit / KIB) };
    Problem::new(
        Code::TooLarge,
        Text::made(format!("El cuerpo admite hasta {limit}."), format!("The body may have up to {limit}.")),
    )
}

/// The maximum number of objects and arrays in a JSON body, and of commas. A parsed value takes up to a hundred times
/// the memory of its text, which the memory budget of bodies does not count: these bounds keep it at some megabytes.
const MOST_CONTAINERS: usize = 10_000;
const MOST_COMMAS: usize = 50_000;

/// Whether a JSON text may have too many parts; characters within strings are counted as well.
fn is_too_complex(bytes: &[u8]) -> bool {
    let (mut containers, mut commas) = (0, 0);
    for byte in bytes {
        match byte {
            b'{' | b'[' => containers += 1,
            b',' => commas += 1,
            _ => {}
        }
    }
    containers > MOST_CONTAINERS || commas > MOST_COMMAS
}

#[track_caller]
fn too_complex() -> Problem {
    Problem::new(
        Code::TooLarge,
        Text::new(
            "El cuerpo tiene demasiadas partes: se admiten hasta 10.000 objetos y listas y 50.000 comas.",
            "The body has too many parts: up to 10,000 objects and arrays and 50,000 commas are accepted.",
        ),
    )
}

impl<T> Body<T> {
    /// The schemas by which bodies are checked.
    pub fn schemas(&self) -> Arc<Schemas> {
        Arc::clone(&self.schemas)
    }

    /// Distinguishes this body from another under the same `Idempotency-Key`; `None` if it could not be received, so
    /// that it is not a repeat of any.
    pub fn fingerprint(&self) -> Option<Vec<u8>> {
        let bytes = &self.raw.as_ref()?.as_ref().ok()?.bytes;
        Some(Sha256::digest(if bytes.is_empty() { b"{}" } else { &bytes[..] }).to_vec())
    }

    /// The JSON of the body before it is checked against the contract, for work that must be done before it is read;
    /// `null` if it is not JSON. It is parsed once: a later read of the body takes it from here.
    pub fn peek(&mut self) -> &Value {
        static NULL: Value = Value::Null;
        let Some(Ok(body)) = &self.raw else { return &NULL };
        self.parsed.get_or_insert_with(|| parse(&body.bytes)).as_ref().unwrap_or(&NULL)
    }

    fn json(&mut self) -> Result<Value> {
        // Its memory is released as soon as it is parsed.
        let body = self.raw.take().transpose()?;
        match self.parsed.take() {
            Some(parsed) => parsed,
            None => parse(body.as_ref().map_or(&[][..], |body| &body.bytes)),
        }
    }
}

/// An empty body is an empty object.
fn parse(bytes: &[u8]) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if is_too_complex(bytes) {
        return Err(too_complex());
    }
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            Code::BadRequest,
            Text::made(
                format!("El cuerpo no es JSON: línea {}, columna {}.", error.line(), error.column()),
                format!("The body is not JSON: line {}, column {}.", error.line(), error.column()),
            ),
        )
    })?;
    make_whole(&mut value);
    Ok(value)
}

impl<T: DeserializeOwned + ToSchema> Body<T> {
    /// The body, validated against its schema in the contract; otherwise a 422 that names every field at fault.
    pub fn read(self) -> Result<T> {
        self.read_with(|_| Ok(Vec::new()))
    }

    /// The same, with further faults that `also` finds in the same JSON, so that a client receives all at once.
    pub fn read_with(mut self, also: impl FnOnce(&Value) -> Result<Vec<FieldError>>) -> Result<T> {
        let value = self.json()?;
        let mut errors = self.schemas.faults(&T::name(), &value);
        for error in also(&value)? {
            if !errors.iter().any(|known| known.pointer == error.pointer) {
                errors.push(error);
            }
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        decode(value)
    }
}

impl<T: DeserializeOwned + Serialize + ToSchema> Body<Patch<T>> {
    /// The result of applying this JSON Merge Patch (RFC 7396) to `current`, valid as a whole, and whether it differs
    /// from `current`: without a difference there is no new version.
    pub fn merge(self, current: &T) -> Result<(T, bool)> {
        self.merge_with(current, |_| Vec::new())
    }

    /// The same, with further faults that `also` finds in the result, so that a client receives all at once.
    pub fn merge_with(
        mut self,
        current: &T,
        also: impl FnOnce(&Value) -> Vec<FieldError>,
    ) -> Result<(T, bool)> {
        // A missing body changes nothing, and is probably a mistake.
        let forgotten = matches!(&self.raw, Some(Ok(body)) if body.bytes.is_empty());
        let patch = if forgotten { Value::Null } else { self.json()? };
        if !patch.is_object() {
            return Err(Problem::fields(self.schemas.faults(&T::name(), &patch)));
        }
        // A cleared field leaves no trace in the result, even if there is no such field.
        let mut errors = self.schemas.faults(&format!("{}Patch", T::name()), &patch);
        let (unknown, others): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|error| error.code == FieldCode::UnknownField);
        errors = unknown;
        let before = serde_json::to_value(current).map_err(Problem::internal)?;
        // A state that has a default at the creation cannot be cleared afterwards.
        let is_cleared = |error: &FieldError| {
            patch.pointer(&error.pointer) == Some(&Value::Null)
                && before.pointer(&error.pointer).is_some_and(Value::is_string)
        };
        let cleared: Vec<_> = others.into_iter().filter(is_cleared).collect();
        let mut merged = before.clone();
        merge(&mut merged, patch);
        for error in self.schemas.faults(&T::name(), &merged).into_iter().chain(also(&merged)).chain(cleared)
        {
            if !errors.iter().any(|known| known.pointer == error.pointer) {
                errors.push(error);
            }
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let after: T = decode(merged)?;
        // The sent value may be equal in another notation, such as a time in another zone.
        let changes = serde_json::to_value(&after).map_err(Problem::internal)? != before;
        Ok((after, changes))
    }
}

/// If the schema accepts a value that the type rejects, the difference is one that a schema cannot express.
fn decode<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let pointer = if path == "." { String::new() } else { format!("/{}", path.replace('.', "/")) };
        Problem::field(FieldError::new(
            pointer,
            FieldCode::WrongFormat,
            Text::new("El valor no es válido.", "The value is not valid."),
        ))
    })
}

/// A number without a fraction is an integer, however it is written (JSON Schema): `3.0` is `3`.
fn make_whole(value: &mut Value) {
    /// Up to this value a floating-point number represents exactly one integer.
    const EXACT: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() <= EXACT
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "it has no fraction and is within what is exact"
                )]
                let whole = float as i64;
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(&name);
            } else {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

/// A JSON Merge Patch of a `T`: every field may be omitted, and `null` clears an optional one.
pub struct Patch<T>(PhantomData<T>);

/// An empty body: `{}` or none at all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// The framework's own extractors are not used for bodies, because they support neither the budget nor a deadline: a
/// handler takes [`Body`] or a form of `super::form`, or reads its payload by [`receive::read_body`].
pub fn payload_config() -> web::PayloadConfig {
    web::PayloadConfig::new(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[actix_web::test]
    async fn what_does_not_come_in_time_is_a_408() {
        let never = std::future::pending::<()>();
        let late = in_time(Duration::from_millis(5), never).await.unwrap_err();
        assert_eq!(late.code, Code::RequestTimeout);
        assert_eq!(in_time(Duration::from_secs(5), async { 7 }).await.unwrap(), 7);
    }

    #[actix_web::test]
    async fn a_body_that_was_peeked_at_is_not_parsed_again() {
        let memory = crate::http::body_memory::BodyMemory::new(1024 * 1024);
        let received = |bytes| {
            let client = ClientKey::Network("192.0.2.1".to_owned());
            ReceivedBody::new(actix_web::web::Bytes::from_static(bytes), memory.reserve(client).unwrap())
        };
        let body = |bytes| Body::<EmptyBody> {
            raw: Some(Ok(received(bytes))),
            parsed: None,
            schemas: Arc::default(),
            read_as: PhantomData,
        };
        let mut peeked = body(b"{\"a\": 1.0}");
        let text = std::ptr::from_ref(peeked.peek());
        assert_eq!(text, std::ptr::from_ref(peeked.peek()));
        // Other bytes in their place are not inspected.
        peeked.raw = Some(Ok(received(b"{\"b\": 2}")));
        assert_eq!(peeked.json().unwrap(), json!({"a": 1}));
        let mut broken = body(b"{");
        assert_eq!(broken.peek(), &Value::Null);
        assert_eq!(broken.json().unwrap_err().code, Code::BadRequest);
        assert_eq!(body(b"{\"b\": 2}").json().unwrap(), json!({"b": 2}));
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer() {
        let mut value = json!({"a": [3.0, -2e2, 3.5], "b": 1e300, "c": 7});
        make_whole(&mut value);
        assert_eq!(value, json!({"a": [3, -200, 3.5], "b": 1e300, "c": 7}));
    }

    #[test]
    fn a_merge_patch_sets_replaces_and_clears() {
        let mut value = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1]});
        merge(&mut value, json!({"a": null, "b": {"c": 4, "d": null}, "e": [2], "f": true}));
        assert_eq!(value, json!({"b": {"c": 4}, "e": [2], "f": true}));
    }
}
