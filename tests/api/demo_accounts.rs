//! Demo accounts are created once, on an empty desk, and remain unchanged after someone edited them.

use diesel::prelude::*;
use mesa::auth::passwords;
use mesa::auth::policy::Role;
use mesa::db::schema::users;
use mesa::people::demo;
use mesa::server;

use crate::harness::{Database, PASSWORD};

fn prepare(database: &Database, password: &str) -> Vec<Role> {
    demo::prepare(&mut database.connect(), password).unwrap()
}

fn has_password(database: &Database, email: &str, password: &str) -> bool {
    let hash = users::table.filter(users::email.eq(email)).select(users::password_hash);
    let hash: Option<String> = database.ask(|db| hash.first(db)).unwrap();
    passwords::verify(password, hash.as_deref())
}

#[test]
fn changed_demo_accounts_are_not_restored() {
    let database = Database::from_template();
    assert_eq!(prepare(&database, PASSWORD), Role::ALL);
    let accounts = || database.count("SELECT count(*) FROM users");
    let before = accounts();
    database.run(
        "UPDATE users SET email = 'ana@example.gov.co' WHERE email = 'director@mesa.test';
         UPDATE users SET active = false WHERE email = 'requester@mesa.test';
         UPDATE users SET password_hash = password_hash || ' ' WHERE email = 'professional@mesa.test'",
    );
    // The start prints the accounts that still have the demo password; a new password is set for these only.
    assert_eq!(prepare(&database, "otra-clave-de-prueba"), [Role::Technician]);
    assert_eq!(accounts(), before);
    assert!(has_password(&database, "technician@mesa.test", "otra-clave-de-prueba"));
    assert!(has_password(&database, "ana@example.gov.co", PASSWORD));
    assert!(has_password(&database, "requester@mesa.test", PASSWORD));
    assert!(!has_password(&database, "professional@mesa.test", "otra-clave-de-prueba"));
    database.run("UPDATE users SET email = 'tomas@example.gov.co' WHERE email = 'technician@mesa.test'");
    assert_eq!(prepare(&database, PASSWORD), []);
    assert_eq!(accounts(), before);
    assert!(has_password(&database, "tomas@example.gov.co", "otra-clave-de-prueba"));
}

#[test]
fn no_demo_accounts_are_created_if_an_account_exists() {
    let database = Database::empty();
    server::migrate(&database.url).unwrap();
    database.run(
        "INSERT INTO users (id, email, role, full_name)
         VALUES (gen_random_uuid(), 'ana@example.gov.co', 'director', 'Ana')",
    );
    assert_eq!(prepare(&database, PASSWORD), []);
    assert_eq!(database.count("SELECT count(*) FROM users"), 1);
}
