//! What the binary says of variables that it does not know.

use crate::harness::binary::mesa;

#[test]
fn an_unknown_variable_is_warned_of_by_its_name_alone() {
    // A wrong value ends the start before anything is made.
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
