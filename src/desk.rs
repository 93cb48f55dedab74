//! What a frontend needs to know about the desk before it shows anything.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::policy::Action;
use crate::http::routes::Routes;
use crate::http::{Answer, Call};
use crate::language::locale::Locale;
use crate::problem::Result;

pub fn routes(routes: &mut Routes) {
    routes.service(read);
}

/// The entity, the languages and the limits of the desk.
#[derive(Serialize, ToSchema)]
pub struct Desk {
    /// The name of the entity, as in the head of its reports.
    #[schema(max_length = 200, example = "Mesa de Servicios")]
    entity_name: String,
    /// The time zone of the entity's days, opening hours and mail: a name of the IANA time zone database.
    #[schema(max_length = 100, example = "America/Bogota")]
    timezone: &'static str,
    /// The languages of the texts for people, the default first.
    #[schema(max_items = 10)]
    languages: &'static [Locale],
    /// The limits of files that are attached to tickets, followups and records.
    attachment_limits: AttachmentLimits,
    /// The version of the server, as `major.minor.patch`.
    #[schema(max_length = 50, example = "0.2.0")]
    version: &'static str,
}

/// The limits of files, for the check before an upload.
#[derive(Serialize, ToSchema)]
pub struct AttachmentLimits {
    /// The largest file, in bytes.
    #[schema(minimum = 1, maximum = 1073741824, example = 26214400)]
    max_file_bytes: usize,
    /// The accepted media types. `*` stands for any text: `image/*`. The server determines the type of a file from its
    /// content.
    #[schema(max_items = 1000, max_length = 1000, example = json!(["image/*", "application/pdf"]))]
    content_types: Vec<String>,
}

/// Read the settings of the desk
///
/// For every signed-in user: the entity's name, time zone and languages, the limits of files, and the version of the
/// server. They change only when the server starts anew.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "desk", operation_id = "getDesk", responses((status = 200, body = Desk, description = "The settings of the desk"))
)]
#[get("/desk")]
pub async fn read(call: Call) -> Result<HttpResponse> {
    let config = &call.desk.config;
    let desk = Desk {
        entity_name: config.entity.name.clone(),
        timezone: config.timezone.name(),
        languages: Locale::ALL,
        attachment_limits: AttachmentLimits {
            max_file_bytes: config.attachment_max_bytes,
            content_types: config.attachment_types.clone(),
        },
        version: env!("CARGO_PKG_VERSION"),
    };
    call.read(move |_, _| Ok(Answer::ok(&desk)?.version("desk", 1))).await
}
