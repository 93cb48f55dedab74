//! The demo data of a new private desk: one account per role, a unit and a few categories.

use diesel::prelude::*;
use uuid::Uuid;

use crate::auth::passwords;
use crate::auth::policy::Role;
use crate::db::fold;
use crate::db::schema::{categories, demo_accounts, units, users};
use crate::problem::Result;

/// The id of the demo account of a role: the same on every demo desk, so that the examples of the contract can use
/// it.
const fn account_id(role: Role) -> Uuid {
    Uuid::from_u128(FIRST_ACCOUNT + role as u128)
}

const FIRST_ACCOUNT: u128 = 0x019aa0b0_0000_7000_8000_000000000000;

/// The id of the first demo category, which the examples of the contract use; the others follow.
const FIRST_CATEGORY: u128 = 0x019aa0b0_0000_7000_8000_000000000101;

/// The address of the demo account of a role.
pub fn email(role: Role) -> String {
    format!("{}@mesa.test", role.as_str())
}

/// Creates the demo data if the desk has no accounts, and sets this password on each demo account that was not
/// changed since: one with another address or password, or one that is not active, is left unchanged and not created
/// again. Returns the roles whose account has the password. Only for a private demo database, never for a configured
/// one.
pub fn prepare(db: &mut PgConnection, password: &str) -> Result<Vec<Role>> {
    // Computed before any lock is taken.
    let hash = passwords::hash(password)?;
    db.transaction(|tx| {
        // Another server or command may prepare the same database concurrently.
        diesel::sql_query("LOCK TABLE demo_accounts IN EXCLUSIVE MODE").execute(tx)?;
        if diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result::<bool>(tx)? {
            update(tx, password, &hash)
        } else {
            create(tx, &hash)?;
            Ok(Role::ALL.to_vec())
        }
    })
}

/// Sets the password on the unchanged demo accounts; returns their roles.
fn update(tx: &mut PgConnection, password: &str, hash: &str) -> Result<Vec<Role>> {
    let emails: Vec<String> = Role::ALL.iter().map(|role| email(*role)).collect();
    let unchanged: Vec<(Uuid, String, String)> = demo_accounts::table
        .inner_join(users::table)
        .filter(users::email.eq_any(&emails))
        .filter(users::active)
        .filter(users::password_hash.eq(demo_accounts::password_hash.nullable()))
        .select((users::id, users::email, demo_accounts::password_hash))
        .for_update()
        .load(tx)?;
    let ids: Vec<Uuid> = unchanged.iter().map(|(id, _, _)| *id).collect();
    // They all have the same hash, so one is enough to determine whether the password is new.
    let known = unchanged.first().is_none_or(|(_, _, known)| {
        unchanged.iter().all(|(_, _, other)| other == known) && passwords::verify(password, Some(known))
    });
    if !known {
        diesel::update(users::table.filter(users::id.eq_any(&ids)))
            .set(users::password_hash.eq(hash))
            .execute(tx)?;
        diesel::update(demo_accounts::table.filter(demo_accounts::user_id.eq_any(&ids)))
            .set(demo_accounts::password_hash.eq(hash))
            .execute(tx)?;
    }
    let has_password = |role: &&Role| unchanged.iter().any(|(_, known, _)| *known == email(**role));
    Ok(Role::ALL.iter().filter(has_password).copied().collect())
}

/// One account per role, a unit and a few categories.
fn create(tx: &mut PgConnection, hash: &str) -> Result<()> {
    let unit_name = "Secretaría de Hacienda";
    diesel::insert_into(units::table)
        .values((units::id.eq(Uuid::now_v7()), units::name.eq(unit_name)))
        .on_conflict_do_nothing()
        .execute(tx)?;
    let unit_id: Uuid =
        units::table.filter(units::name_key.eq(fold(unit_name))).select(units::id).first(tx)?;
    for (index, role) in Role::ALL.iter().enumerate() {
        let (id, name) = (account_id(*role), name(*role));
        diesel::insert_into(users::table)
            .values((
                users::id.eq(id),
                users::email.eq(email(*role)),
                users::password_hash.eq(hash),
                users::role.eq(*role),
                users::full_name.eq(name),
                users::document_id.eq(format!("4311122{index}")),
                users::extension.eq(format!("143{index}")),
                users::mobile.eq(format!("300123456{index}")),
                users::unit_id.eq(unit_id),
            ))
            .execute(tx)?;
        diesel::insert_into(demo_accounts::table)
            .values((demo_accounts::user_id.eq(id), demo_accounts::password_hash.eq(hash)))
            .execute(tx)?;
    }
    for (id, name, profile) in [
        (FIRST_CATEGORY, "Impresoras", "any"),
        (FIRST_CATEGORY + 1, "Redes y conectividad", "any"),
        (FIRST_CATEGORY + 2, "Cuentas y permisos de usuario", "unit_head"),
    ] {
        diesel::insert_into(categories::table)
            .values((
                categories::id.eq(Uuid::from_u128(id)),
                categories::name.eq(name),
                categories::description.eq(""),
                categories::required_profile.eq(profile),
            ))
            .on_conflict_do_nothing()
            .execute(tx)?;
    }
    Ok(())
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Requester => "Rosa Pérez Gómez",
        Role::Technician => "Tomás Ríos Cano",
        Role::Professional => "Paula Ochoa Díaz",
        Role::Director => "Diana Mejía Arango",
    }
}
