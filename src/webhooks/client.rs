//! Sending one request to the receiver of a webhook: only to an address that may be called, with bounded time and memory.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use super::address::{self, Refused};
use crate::config::Network;

/// How long a connection may take, with the resolution of the name and TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take in total.
pub const TOTAL: Duration = Duration::from_secs(15);
/// How long the body of a response may take after its status.
const BODY: Duration = Duration::from_secs(1);
/// How much of the response is read and kept, in bytes.
const KEPT: usize = 1024;
/// The longest error that is kept, in characters.
const ERROR: usize = 300;
const USER_AGENT: &str = concat!("Mesa/", env!("CARGO_PKG_VERSION"));

/// What is sent.
#[derive(Debug)]
pub struct Post {
    pub url: String,
    /// Names and values of the headers, besides the type of the body.
    pub headers: [(&'static str, String); 3],
    pub body: String,
}

/// What came back.
#[derive(Debug)]
pub struct Received {
    /// `None` without a response.
    pub status: Option<u16>,
    pub duration: Duration,
    /// The beginning of the body, as text.
    pub body: Option<String>,
    /// Why there is no response.
    pub error: Option<String>,
    /// The seconds of `Retry-After`.
    pub retry_after: Option<u64>,
}

/// The clients for URLs with TLS and without.
pub struct Clients {
    secure: Client,
    plain: Client,
    allow: Vec<Network>,
}

impl Clients {
    /// `total`: how long a request may take.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn new(allow: &[Network], total: Duration) -> reqwest::Result<Self> {
        let client = |is_plain: bool| {
            ClientBuilder::new()
                .user_agent(USER_AGENT)
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .http1_only()
                .https_only(!is_plain)
                .connect_timeout(CONNECT)
                .timeout(total)
                .pool_max_idle_per_host(4)
                .pool_idle_timeout(Duration::from_secs(20))
                .dns_resolver(Resolver { is_plain, allow: allow.to_vec() })
                .build()
        };
        Ok(Clients { secure: client(false)?, plain: client(true)?, allow: allow.to_vec() })
    }

    pub async fn send(&self, post: &Post) -> Received {
        let started = Instant::now();
        // An address in the URL is not resolved, so the resolver does not check it.
        let url = match address::checked(&post.url, &self.allow) {
            Ok(url) => url,
            Err(why) => return Received::error(started, NotAllowed(why).to_string()),
        };
        let client = if url.scheme() == "http" { &self.plain } else { &self.secure };
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json").body(post.body.clone());
        for (name, value) in &post.headers {
            request = request.header(*name, value);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Received::error(started, described(&error)),
        };
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut body = Vec::new();
        // The receiver has decided: what is missing of the body changes nothing, and is not waited for.
        let read = async {
            while body.len() < KEPT
                && let Ok(Some(part)) = response.chunk().await
            {
                body.extend_from_slice(part.get(..KEPT - body.len()).unwrap_or(&part));
            }
        };
        let _ = tokio::time::timeout(BODY, read).await;
        Received {
            status: Some(response.status().as_u16()),
            duration: started.elapsed(),
            body: Some(String::from_utf8_lossy(&body).replace('\0', "\u{fffd}")),
            error: None,
            retry_after,
        }
    }
}

impl Received {
    fn error(started: Instant, error: String) -> Self {
        let error = error.chars().filter(|c| !c.is_control()).take(ERROR).collect();
        Received {
            status: None,
            duration: started.elapsed(),
            body: None,
            error: Some(error),
            retry_after: None,
        }
    }
}

/// The reason of a failed request in a few words; without the URL, which can contain a secret.
fn described(error: &reqwest::Error) -> String {
    let mut causes = vec![];
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(not_allowed) = cause.downcast_ref::<NotAllowed>() {
            return not_allowed.to_string();
        }
        causes.push(cause);
        source = cause.source();
    }
    if error.is_timeout() {
        return if error.is_connect() { "no connection in time" } else { "no answer in time" }.to_owned();
    }
    let cause = causes.last().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    if error.is_connect() { format!("no connection: {cause}") } else { format!("no answer: {cause}") }
}

/// An address that is not called.
#[derive(Debug)]
struct NotAllowed(Refused);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Refused::Internal => "the address is internal and not in MESA_WEBHOOK_ALLOW",
            Refused::Plain => "http is for addresses in MESA_WEBHOOK_ALLOW only",
            Refused::NotUrl | Refused::Scheme | Refused::Credentials => "the URL is not allowed",
        })
    }
}

impl Error for NotAllowed {}

/// Resolves names to the addresses that may be called: a connection is made to one of these, without another resolution.
struct Resolver {
    is_plain: bool,
    allow: Vec<Network>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (is_plain, allow) = (self.is_plain, self.allow.clone());
        Box::pin(async move {
            let (mut found, mut refused) = (Vec::new(), None);
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                match address::may_call(address.ip(), is_plain, &allow) {
                    Ok(()) => found.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if found.is_empty() => Err(NotAllowed(why).into()),
                _ => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}
