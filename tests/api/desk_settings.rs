//! The settings that a frontend reads first.

use serde_json::json;

use crate::harness::Desk;

#[test]
fn every_signed_in_user_reads_the_settings_of_the_desk() {
    let desk = Desk::configured(&[
        ("MESA_ENTITY_NAME", "Alcaldía de Envigado"),
        ("MESA_ATTACHMENT_MAX_BYTES", "1000"),
        ("MESA_ATTACHMENT_TYPES", "image/*, application/pdf"),
    ]);
    let read = desk.requester().get("/desk");
    assert_eq!(
        read.ok(),
        json!({
            "entity_name": "Alcaldía de Envigado", "timezone": "America/Bogota", "languages": ["es", "en"],
            "attachment_limits": {"max_file_bytes": 1000, "content_types": ["image/*", "application/pdf"]},
            "version": env!("CARGO_PKG_VERSION"),
        })
    );
    for client in [desk.technician(), desk.professional(), desk.director()] {
        client.with("if-none-match", read.header("etag")).get("/desk").expect_status(304);
    }
    desk.nobody().get("/desk").problem(401, "unauthenticated");
}
