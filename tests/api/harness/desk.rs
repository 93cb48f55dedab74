//! The server under test: the complete router over HTTP, on its own port.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::web::Data;
use diesel::prelude::*;
use mesa::app::{self, Contract};
use mesa::audit::tree::heads::{self, HeadReason};
use mesa::auth::policy::Role;
use mesa::auth::tokens::Tokens;
use mesa::config::Config;
use mesa::db::replica::Replica;
use mesa::db::{Db, schema::users};
use mesa::events::feed::Feed;
use mesa::http::body_memory::BodyMemory;
use mesa::http::desk::Phase;
use mesa::http::limits::Limits;
use mesa::http::traffic::Traffic;
use mesa::jobs::worker::Jobs;
use mesa::language::locale::Locale;
use mesa::mail::worker::{Mailer, Round};
use mesa::people::demo;
use mesa::server;
use mesa::webhooks::worker::Sender;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::binary::{Running, mesa, on_program};
use super::client::Client;
use super::cluster::Database;
use super::contract;
use super::front::{self, Front};
use super::logs;
use super::pooler;
use super::smtp::MailServer;

/// The private key that signs tree heads, in hexadecimal.
const AUDIT_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

pub const SECRET: &str = "a secret of the tests, 32 bytes or more";

/// A running server with one account per role.
pub struct Desk {
    server: Server,
    /// nginx in front of this copy of the server and another one, if `MESA_TEST_COPIES` or `MESA_TEST_PREVIOUS` is set.
    front: Option<(Front, Other)>,
    tokens: Tokens,
    unit_id: Uuid,
    // Last, so that the server is dropped before its database and its files.
    pub database: Database,
    _files: TempDir,
}

/// Another copy of the server on the same database, which serves until this is dropped.
#[expect(dead_code, reason = "they only serve")]
enum Other {
    Same(Server),
    Previous(Running),
}

/// One copy of the server.
pub struct Server {
    url: String,
    shared: Data<mesa::http::desk::Desk>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    pub fn open() -> Self {
        Self::configured(&[])
    }

    /// Starts with these environment variables.
    pub fn configured(variables: &[(&str, &str)]) -> Self {
        Self::on(Database::from_template(), TempDir::new().unwrap(), variables)
    }

    /// Starts on an existing database and folder.
    pub fn on(database: Database, files: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("DATABASE_URL", database.server_url.clone()),
            ("MESA_JWT_SECRET", SECRET.to_owned()),
            ("MESA_DATA_DIR", files.path().to_str().unwrap().to_owned()),
            ("MESA_POOL_SIZE", "4".to_owned()),
            ("MESA_AUDIT_KEY", AUDIT_KEY.to_owned()),
            // High enough that no test reaches it by accident.
            ("MESA_RATE_LIMIT", "1000000".to_owned()),
        ];
        if let Some(pooled) = pooler::before(&database.server_url) {
            all.splice(
                0..1,
                [("DATABASE_URL", pooled), ("MESA_DIRECT_DATABASE_URL", database.server_url.clone())],
            );
        }
        // Variables of the test take precedence.
        all.splice(0..0, variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        logs::keep_secrets_of(&all);
        let read =
            |wanted: &str| all.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        let server = Server::start(Config::read(&read).unwrap());
        let front = match front::previous() {
            Some(program) => {
                let other = previous(&program, &all);
                Some((Front::before(&[&server.url, &other.url]), Other::Previous(other)))
            }
            None => front::is_wanted().then(|| {
                let other = Server::start(server.shared.config.clone());
                (Front::before(&[&server.url, &other.url]), Other::Same(other))
            }),
        };
        let unit_id = users::table.select(users::unit_id.assume_not_null());
        let unit_id = database.ask(|db| unit_id.first(db)).unwrap();
        Desk { server, front, tokens: Tokens::new(SECRET, None), unit_id, database, _files: files }
    }

    /// Another copy of the server on the same database.
    pub fn copy(&self) -> Server {
        Server::start(self.server.shared.config.clone())
    }

    /// The state that the request handlers share, for calling background work directly.
    pub fn shared(&self) -> &mesa::http::desk::Desk {
        &self.server.shared
    }

    /// Signs a head of the tree over all events, as the background routine does, and returns its size.
    pub fn sign_tree_head(&self) -> i64 {
        let db = &mut PgConnection::establish(&self.database.server_url).unwrap();
        heads::make(db, &self.shared().config.audit, HeadReason::Daily).unwrap();
        self.director().get("/audit/heads?limit=1").items()[0]["tree_size"].as_i64().unwrap()
    }

    /// Starts with a mail server. Mail is sent only when the test calls `send_mail`.
    pub fn mailing(server: &MailServer) -> Self {
        Self::configured(&[
            ("MESA_SMTP_URL", &server.url()),
            ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@mesa.test>"),
            ("MESA_MAIL_AUTHSERV_ID", "mx.mesa.test"),
            ("MESA_PUBLIC_URL", "https://mesa.example"),
        ])
    }

    /// Sends pending mail, and returns whether the mail server could be reached.
    pub fn send_mail(&self) -> Round {
        self.server.send_mail()
    }

    /// Carries out the jobs that wait; returns how many there were.
    pub fn carry_out_jobs(&self) -> usize {
        self.server.carry_out_jobs()
    }

    /// Sends what is due to webhooks, and returns how many requests were sent.
    pub fn send_webhooks(&self) -> usize {
        self.server.send_webhooks()
    }

    pub fn nobody(&self) -> Client {
        Client::new(self.url().to_owned(), None, Value::Null)
    }

    /// Waits until a second copy of the server, if there is one, knows what changed of an account.
    pub fn wait_for_copies(&self) {
        if self.front.is_some() {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }

    /// The base URL for clients.
    fn url(&self) -> &str {
        self.front.as_ref().map_or(&self.server.url, |(front, _)| &front.url)
    }

    pub fn requester(&self) -> Client {
        self.demo(Role::Requester)
    }

    pub fn technician(&self) -> Client {
        self.demo(Role::Technician)
    }

    pub fn professional(&self) -> Client {
        self.demo(Role::Professional)
    }

    pub fn director(&self) -> Client {
        self.demo(Role::Director)
    }

    /// The demo account of a role.
    pub fn demo(&self, role: Role) -> Client {
        let email = demo::email(role);
        let id = users::table.filter(users::email.eq(&email)).select(users::id);
        self.signed_in(self.database.ask(|db| id.first(db)).unwrap(), &email)
    }

    /// Creates an account with this role.
    pub fn another(&self, role: Role) -> Client {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let email = format!("{}{number}@mesa.test", role.as_str());
        // Inserted directly: the API would take a tenth of a second to hash the password. All accounts share one hash.
        let id = Uuid::now_v7();
        self.database.run(&format!(
            "INSERT INTO users (id, email, password_hash, role, full_name, document_id, extension, unit_id)
             SELECT '{id}', '{email}', password_hash, '{}', 'Persona {number}', '71{number:06}', '1400', unit_id
             FROM users LIMIT 1",
            role.as_str(),
        ));
        self.signed_in(id, &email)
    }

    fn signed_in(&self, id: Uuid, email: &str) -> Client {
        let era = users::table.find(id).select(users::sign_in_era);
        let era = self.database.ask(|db| era.first(db)).unwrap();
        let token = self.tokens.sign(id, Locale::Es, era).unwrap();
        Client::new(self.url().to_owned(), Some(token), json!({"id": id, "email": email}))
    }

    /// The unit of the demo accounts.
    pub fn unit_id(&self) -> Uuid {
        self.unit_id
    }
}

/// The previous version with these variables; of several for one name the first counts.
fn previous(program: &OsStr, variables: &[(&str, String)]) -> Running {
    let mut command = mesa(&[("MESA_LISTEN", "127.0.0.1:0"), ("MESA_MIGRATE", "verify")]);
    command.envs(variables.iter().rev().map(|(name, value)| (name, value)));
    Running::start(on_program(program, &command))
}

impl Server {
    /// The base URL for clients.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn start(config: Config) -> Self {
        let urls = server::urls(&config, None);
        if urls.pooler.is_some() {
            mesa::db::pooler::prepare(&urls).unwrap();
        }
        let db = Db::new(&urls, config.pool_size).unwrap();
        // A setting of the session, which a pooler does not have.
        let db = if urls.pooler.is_none() { db.refuse_changes_by_reads() } else { db };
        let files = server::files(&config).unwrap();
        let tokens = Tokens::new(config.jwt_secret.as_ref().unwrap(), config.jwt_previous_secret.as_deref());
        let limits = Limits::new(config.rate_limit);
        let traffic = Traffic::new("20000101000000", vec![Box::new(db.waits().clone())]).unwrap();
        let body_memory = BodyMemory::new(config.body_memory_bytes);
        let shared = Data::new(mesa::http::desk::Desk {
            db,
            replica: config
                .read_url
                .as_deref()
                .map(|url| Replica::new(Db::of_standby(url, config.pool_size).unwrap())),
            tokens,
            files,
            config,
            traffic,
            limits,
            sign_in_limits: Default::default(),
            body_memory,
            uploads: Default::default(),
            admissions: Default::default(),
            written: Default::default(),
            phase: watch::Sender::new(Phase::Serving),
        });
        let contract: Data<Contract> = contract::shared();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let (started, ready) = mpsc::channel();
        let desk = shared.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let feed = Data::new(Feed::default());
                let server = HttpServer::new(move || app::app(desk.clone(), contract.clone(), feed.clone()))
                    .workers(1)
                    .disable_signals()
                    .listen(listener)
                    .unwrap()
                    .run();
                let handle = server.handle();
                let running = actix_web::rt::spawn(server);
                started.send(()).unwrap();
                let _ = stopped.await;
                handle.stop(false).await;
                let _ = running.await;
            });
        });
        ready.recv().unwrap();
        Server { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Sends pending mail, as the binary does in the background, until no message is due.
    pub fn send_mail(&self) -> Round {
        let shared = self.shared.clone();
        actix_web::rt::System::new().block_on(async move {
            let mailer = Mailer::new(shared.clone(), shared.config.mail.clone().unwrap()).unwrap();
            loop {
                let round = mailer.round().await.unwrap();
                if round != Round::Worked {
                    return round;
                }
            }
        })
    }

    /// Carries out the jobs that wait, as the binary does in the background; returns how many there were.
    pub fn carry_out_jobs(&self) -> usize {
        let desk = self.shared.clone();
        actix_web::rt::System::new().block_on(async move {
            let schemas = Arc::clone(contract::shared().schemas());
            Jobs { desk, schemas, carry_out: mesa::tickets::jobs::carry_out }.round().await.unwrap()
        })
    }

    /// Sends what is due to webhooks, as the binary does in the background, until nothing is due; returns how many requests
    /// were sent. A request may take a second.
    pub fn send_webhooks(&self) -> usize {
        let shared = self.shared.clone();
        actix_web::rt::System::new().block_on(async move {
            let sender = Sender::within(shared, Duration::from_secs(1)).unwrap();
            let mut sent = 0;
            loop {
                match sender.round().await.unwrap() {
                    0 => return sent,
                    count => sent += count,
                }
            }
        })
    }

    /// The same caller, calling this copy of the server.
    pub fn client(&self, client: &Client) -> Client {
        client.at(&self.url)
    }

    pub fn shared(&self) -> &mesa::http::desk::Desk {
        &self.shared
    }

    pub fn shared_data(&self) -> Data<mesa::http::desk::Desk> {
        self.shared.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
        logs::hold();
    }
}
