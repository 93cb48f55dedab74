//! What a fresh desk of one's own begins with: one account a role, a unit and a few categories.

use diesel::prelude::*;
use uuid::Uuid;

use crate::auth::passwords;
use crate::auth::policy::Role;
use crate::db::fold;
use crate::db::schema::{categories, units, users};
use crate::problem::Result;

/// The address of a role's demo account.
pub fn email(role: Role) -> String {
    format!("{}@mesa.test", role.as_str())
}

/// Makes the demo data where there are none yet, and gives every demo account this password, whatever it was. To be called
/// where the desk is one's own to try, never on a database that was given.
///
/// # Errors
/// What the database answers.
pub fn prepare(db: &mut PgConnection, password: &str) -> Result<()> {
    let hash = passwords::hash(password)?;
    let emails: Vec<String> = Role::ALL.iter().map(|role| email(*role)).collect();
    db.transaction(|tx| {
        let accounts = users::table.filter(users::email.eq_any(&emails));
        let known = diesel::update(accounts).set(users::password_hash.eq(&hash)).execute(tx)?;
        if known > 0 {
            return Ok(());
        }
        let unit_name = "Secretaría de Hacienda";
        diesel::insert_into(units::table)
            .values((units::id.eq(Uuid::now_v7()), units::name.eq(unit_name)))
            .on_conflict_do_nothing()
            .execute(tx)?;
        let unit_id: Uuid =
            units::table.filter(units::name_key.eq(fold(unit_name))).select(units::id).first(tx)?;
        for (index, role) in Role::ALL.iter().enumerate() {
            let name = match role {
                Role::Requester => "Rosa Pérez Gómez",
                Role::Technician => "Tomás Ríos Cano",
                Role::Professional => "Paula Ochoa Díaz",
                Role::Director => "Diana Mejía Arango",
            };
            diesel::insert_into(users::table)
                .values((
                    users::id.eq(Uuid::now_v7()),
                    users::email.eq(email(*role)),
                    users::password_hash.eq(&hash),
                    users::role.eq(*role),
                    users::full_name.eq(name),
                    users::document_id.eq(format!("4311122{index}")),
                    users::extension.eq(format!("143{index}")),
                    users::mobile.eq(format!("300123456{index}")),
                    users::unit_id.eq(unit_id),
                ))
                .on_conflict_do_nothing()
                .execute(tx)?;
        }
        for (name, profile) in [
            ("Impresoras", "any"),
            ("Redes y conectividad", "any"),
            ("Cuentas y permisos de usuario", "unit_head"),
        ] {
            diesel::insert_into(categories::table)
                .values((
                    categories::id.eq(Uuid::now_v7()),
                    categories::name.eq(name),
                    categories::description.eq(""),
                    categories::required_profile.eq(profile),
                ))
                .on_conflict_do_nothing()
                .execute(tx)?;
        }
        Ok(())
    })
}
