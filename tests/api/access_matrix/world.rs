//! The data of the matrix: the actors, and the resources that are hidden from them.

use std::collections::HashMap;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, decode_header};
use mesa::auth::policy::Role;
use mesa::auth::tokens::Claims;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::ids::{Ids, Slot};
use super::sample::{BOUNDARY, Operation};
use crate::harness::states::{improvement_action, minutes, risk, ticket_of};
use crate::harness::{Client, Desk, SECRET};

/// The group of an actor, which determines the general rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Without a valid token.
    Unauthenticated,
    Requester,
    Staff,
}

/// An actor that sends requests.
pub struct Actor {
    pub name: &'static str,
    pub role: String,
    /// Permissions in addition to those of the role.
    pub granted_permissions: &'static [&'static str],
    pub standing: Standing,
    /// A staff account that is used only with `MESA_CI=full`.
    pub is_one_of_many_staff: bool,
    client: Client,
    pub ids: Ids,
    /// Text of hidden resources.
    pub hidden_words: Vec<String>,
}

pub struct World {
    pub actors: Vec<Actor>,
    pub director: Actor,
    pub document: Value,
    // Declared before `desk`, so that its connections are closed first.
    pub http: Http,
    pub desk: Desk,
}

/// The HTTP client, with persistent connections.
pub struct Http(reqwest::blocking::Client);

/// A response.
pub struct Reply {
    pub status: u16,
    headers: HeaderMap,
    pub text: String,
}

/// A ticket of a requester. Its public content contains one word, its private content another.
struct Seeded {
    ids: HashMap<Slot, String>,
    private: HashMap<Slot, String>,
    words: [String; 2],
}

fn id(value: &Value) -> String {
    value["id"].as_str().map_or_else(|| value["id"].to_string(), str::to_owned)
}

fn seeded(desk: &Desk, requester: &Client, assignee: &Client, word: &str) -> Seeded {
    let words = [format!("{word}publico"), format!("{word}privado")];
    let one = ticket_of(desk, requester, assignee, "in_progress");
    let number = one.rsplit('/').next().unwrap().to_owned();
    desk.database.run(&format!(
        "UPDATE tickets SET subject = '{0}', description = 'Dice {0}.' WHERE id = {number}",
        words[0]
    ));
    let mut known = [HashMap::new(), HashMap::new()];
    for ((visibility, word), ids) in
        [("public", &words[0]), ("private", &words[1])].into_iter().zip(&mut known)
    {
        let entry = json!({"visibility": visibility, "body": format!("Dice {word}.")});
        let followup = id(&assignee.post(&format!("{one}/followups"), entry).created());
        let path = format!("{one}/followups/{followup}/attachments");
        let file = assignee.upload(&path, &format!("{word}.txt"), word.as_bytes()).created();
        ids.insert(Slot::Followup, followup);
        ids.insert(Slot::Attachment, id(&file));
    }
    let [mut ids, private] = known;
    ids.insert(Slot::Ticket, number);
    Seeded { ids, private, words }
}

impl World {
    pub fn open() -> Self {
        let desk = Desk::open();
        let (owner, stranger) = (desk.another(Role::Requester), desk.another(Role::Requester));
        let (assignee, technician) = (desk.another(Role::Technician), desk.technician());
        let first = seeded(&desk, &owner, &assignee, "zorzal");
        let second = seeded(&desk, &stranger, &assignee, "mirlo");
        let director = desk.director();
        let article = |word: &str, visibility: &str, status: &str| {
            let text = format!("Dice {word}.");
            let body = json!({"title": word, "incident": text, "resolution": text, "visibility": visibility,
                "status": status, "no_steps": true});
            id(&director.post("/kb/articles", body).created())
        };
        let draft = article("borradoroculto", "public", "draft");
        let internal = article("internooculto", "internal", "published");
        for (path, mut body, field) in [
            ("/improvement-actions", improvement_action(technician.id(), "open"), "finding"),
            ("/risks", risk(technician.id(), "active"), "risk"),
            ("/meeting-minutes", minutes(technician.id()), "place"),
        ] {
            body[field] = json!("registrooculto");
            director.post(path, body).created();
        }
        let of_the_desk = ["borradoroculto", "internooculto", "registrooculto"].map(str::to_owned);

        let requester = |name, client: &Client, own: &Seeded, others: &Seeded, other: &Client| {
            let mut visible = own.ids.clone();
            visible.insert(Slot::User, client.id().to_owned());
            let mut hidden: HashMap<Slot, Vec<String>> = HashMap::new();
            for (slot, id) in others.ids.iter().chain(&others.private).chain(&own.private) {
                hidden.entry(*slot).or_default().push(id.clone());
            }
            hidden.insert(Slot::Article, vec![draft.clone(), internal.clone()]);
            hidden.insert(Slot::User, vec![other.id().to_owned()]);
            let mut hidden_words = of_the_desk.to_vec();
            hidden_words.extend(others.words.iter().chain(&own.words[1..]).cloned());
            Actor {
                name,
                role: "requester".to_owned(),
                granted_permissions: &[],
                standing: Standing::Requester,
                is_one_of_many_staff: false,
                client: client.clone(),
                ids: Ids { visible, hidden },
                hidden_words,
            }
        };
        let mut seen = first.ids.clone();
        seen.insert(Slot::User, technician.id().to_owned());
        seen.insert(Slot::Article, draft.clone());
        let staff = |name, role: Role, client: Client, is_one_of_many_staff| Actor {
            name,
            role: role.as_str().to_owned(),
            granted_permissions: &[],
            standing: Standing::Staff,
            is_one_of_many_staff,
            client,
            ids: Ids { visible: seen.clone(), hidden: HashMap::new() },
            hidden_words: Vec::new(),
        };
        let words: Vec<String> =
            of_the_desk.iter().chain(&first.words).chain(&second.words).cloned().collect();
        let outside = |name, client: Client| Actor {
            name,
            role: "requester".to_owned(),
            granted_permissions: &[],
            standing: Standing::Unauthenticated,
            is_one_of_many_staff: false,
            client,
            ids: requester(name, &owner, &first, &second, &stranger).ids,
            hidden_words: words.clone(),
        };
        let deactivated = desk.another(Role::Director);
        desk.database.run(&format!("UPDATE users SET active = false WHERE id = '{}'", deactivated.id()));
        let expired = director.holding(&expired(director.door().1));
        let liaison = desk.another(Role::Requester);
        let records = json!({"granted_permissions": ["records"]});
        director.patch(&format!("/users/{}", liaison.id()), records).ok();
        let own = seeded(&desk, &liaison, &assignee, "gorrion");
        let mut liaison = requester("a requester with records", &liaison, &own, &first, &owner);
        liaison.granted_permissions = &["records"];
        liaison.hidden_words.retain(|word| word != "registrooculto");
        let actors = vec![
            liaison,
            outside("nobody", desk.nobody()),
            outside("a deactivated director", deactivated),
            outside("a director with an expired token", expired),
            requester("the requester", &owner, &first, &second, &stranger),
            requester("another requester", &stranger, &second, &first, &owner),
            staff("a technician", Role::Technician, technician, true),
            staff("the assignee", Role::Technician, assignee, true),
            staff("a professional", Role::Professional, desk.professional(), true),
            staff("a director", Role::Director, desk.director(), false),
        ];
        World {
            actors,
            director: staff("the director", Role::Director, director, false),
            document: desk.nobody().get("//openapi.json").ok(),
            http: Http(
                reqwest::blocking::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .pool_idle_timeout(Duration::from_secs(1))
                    .build()
                    .unwrap(),
            ),
            desk,
        }
    }
}

impl Http {
    pub fn send(&self, actor: &Actor, operation: &Operation, path: &str, body: Option<String>) -> Reply {
        let (host, token) = actor.client.door();
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let mut request = self.0.request(method, format!("http://{host}{path}"));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            let kind = match operation.content_type.as_deref() {
                Some("multipart/form-data") => format!("multipart/form-data; boundary={BOUNDARY}"),
                Some(kind) => kind.to_owned(),
                None => "application/json".to_owned(),
            };
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&answer.bytes().unwrap()).into_owned();
        Reply { status, headers, text }
    }
}

/// The same token, but expired.
fn expired(token: &str) -> String {
    let header = decode_header(token).unwrap();
    let mut claims: Claims = {
        use base64::Engine;
        let part = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    claims.iat -= 4500;
    claims.exp -= 4500;
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// Headers that differ between identical requests. `connection` differs because the server closes a connection after
/// an incomplete upload.
const OF_ONE_ANSWER: [&str; 6] =
    ["connection", "date", "server-timing", "x-request-id", "ratelimit", "content-length"];

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether the body or a header contains this word. A `link` header may repeat a word of the request.
    pub fn contains(&self, word: &str, path: &str) -> bool {
        let asked = path.contains(word);
        let in_headers = self.headers.iter().any(|(name, value)| {
            !(asked && name == "link") && String::from_utf8_lossy(value.as_bytes()).contains(word)
        });
        in_headers || self.text.contains(word)
    }

    /// The part of a response that must be equal for both requests.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter(|(name, _)| !OF_ONE_ANSWER.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let mut body = self.json();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("request_id");
            fields.remove("instance");
            fields.remove("calculated_at");
        }
        let body = if body.is_null() { self.text.clone() } else { body.to_string() };
        (self.status, headers, body)
    }
}
