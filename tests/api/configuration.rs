//! Warnings about unknown environment variables.

use crate::harness::binary::mesa;

#[test]
fn the_warning_about_an_unknown_variable_shows_its_name_only() {
    // An invalid value makes the start fail before anything is created.
    let mut command = mesa(&[
        ("MESA_POOL_SIZE", "0"),
        ("MESA_JWT_SECRTE", "a value that stays untold"),
        ("MESA_NONSENSE", "another value that stays untold"),
        ("MESA_LISTEN", "127.0.0.1:0"),
    ]);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    let secret = "MESA_JWT_SECRTE is not a variable of Mesa and has no effect; did you mean MESA_JWT_SECRET?";
    assert!(log.contains(secret), "{log}");
    assert!(log.contains("MESA_NONSENSE is not a variable of Mesa and has no effect\n"), "{log}");
    assert!(!log.contains("MESA_LISTEN") && !log.contains("untold"), "{log}");
}
