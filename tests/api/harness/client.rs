//! A client of the API: one method call per request, and responses whose checks print the body when they fail.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Body, RequestBuilder, multipart};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{contract, logs};

/// A caller of the API. Paths are relative to `/api/v1`, or to the root if they begin with `//`.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: Option<String>,
    account: Value,
    headers: Vec<(&'static str, String)>,
}

fn http() -> &'static reqwest::blocking::Client {
    static HTTP: OnceLock<reqwest::blocking::Client> = OnceLock::new();
    HTTP.get_or_init(|| {
        let builder = reqwest::blocking::Client::builder().pool_idle_timeout(Duration::from_secs(2));
        builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
    })
}

impl Client {
    pub fn new(url: String, token: Option<String>, account: Value) -> Self {
        Client { url, token, account, headers: Vec::new() }
    }

    /// The id of the account.
    pub fn id(&self) -> &str {
        self.account["id"].as_str().unwrap()
    }

    pub fn email(&self) -> &str {
        self.account["email"].as_str().unwrap()
    }

    /// The same caller, calling another copy of the server.
    pub fn at(&self, url: &str) -> Self {
        Client { url: url.to_owned(), ..self.clone() }
    }

    /// Host and port of the server, and the access token: for requests that this client cannot send.
    pub fn door(&self) -> (&str, &str) {
        (self.url.trim_start_matches("http://"), self.token.as_deref().unwrap_or_default())
    }

    /// The same caller with another access token.
    pub fn holding(&self, token: &str) -> Self {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller with an additional header on every request.
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.into()));
        client
    }

    /// The same client without this header.
    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(each, _)| *each != name);
        client
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        logs::keep_secrets_sent(&body);
        self.send(Method::POST, path, |request| request.json(&body))
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        logs::keep_secrets_sent(&body);
        let body = body.to_string();
        self.send(Method::PATCH, path, |request| {
            request.header("content-type", "application/merge-patch+json").body(body)
        })
    }

    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, |request| request.json(&body))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request)
    }

    /// Sends a body of any media type.
    pub fn raw(&self, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.send(method, path, |request| request.header("content-type", content_type).body(body))
    }

    /// Uploads one file in a multipart form.
    pub fn upload(&self, path: &str, file_name: &str, bytes: impl Into<Vec<u8>>) -> Answer {
        let part = multipart::Part::bytes(bytes.into()).file_name(file_name.to_owned());
        let form = multipart::Form::new().part("file", part);
        self.send(Method::POST, path, |request| request.multipart(form))
    }

    /// Whether the response to this GET breaks off. A response that starts must have status 200.
    pub fn broken_off(&self, path: &str) -> bool {
        let request =
            http().get(format!("{}/api/v1{path}", self.url)).bearer_auth(self.token.as_ref().unwrap());
        // The connection may close before the head of the response is sent.
        let Ok(answer) = request.send() else { return true };
        assert_eq!(answer.status(), 200);
        answer.bytes().is_err()
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        // A path with `//` is not below `/api/v1`.
        let path = if path.starts_with("//") { path[1..].to_owned() } else { format!("/api/v1{path}") };
        // A stream has no end unless one is asked for.
        let is_endless = path.trim_end_matches('?').ends_with("/events/stream");
        let path = if is_endless { format!("{}?seconds=1", path.trim_end_matches('?')) } else { path };
        let mut request = http().request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = fill(request).send().unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().unwrap().to_vec();
        let answer = Answer { request: format!("{method} {path}"), status, headers, bytes };
        contract::hold(&method, &path, &answer);
        answer
    }

    /// Registers a ticket and returns it.
    pub fn register(&self, subject: &str) -> Value {
        self.post("/tickets", json!({"subject": subject, "description": "No funciona desde esta mañana."}))
            .created()
    }
}

/// A response.
pub struct Answer {
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The version in the ETag: the part before the first hyphen.
    pub fn version(&self) -> &str {
        self.header("etag").trim_matches('"').split('-').next().unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON, for any status.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{} did not return JSON: {}", self.request, self.text()))
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        self.expect_status(status);
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    #[track_caller]
    pub fn expect_status(&self, status: u16) {
        assert_eq!(self.status, status, "{} returned {}", self.request, self.text());
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(200)
    }

    #[track_caller]
    pub fn created(&self) -> Value {
        self.expect(201)
    }

    /// The items of a page.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        self.ok()["items"].as_array().unwrap().clone()
    }

    /// Checks that the response is a problem with this status and code, and returns it.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert!(self.header("content-type").starts_with("application/problem+json"), "{}", self.text());
        assert_eq!(problem["code"], code, "{} returned {problem}", self.request);
        problem
    }

    /// The errors of a 400 or 422: the pointer and the code of each field.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String)> {
        let problem = self.json();
        assert!(matches!(self.status, 400 | 422), "{} returned {problem}", self.request);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }
}
