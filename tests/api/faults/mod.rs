//! The desk and its acknowledged writes when something it depends on fails. `.ci/faults` runs these tests with the full
//! counts.

mod clock;
mod full_disk;
mod half_handshakes;
mod hostile_clients;
mod killed_postgres;
mod killed_server;
pub mod load;
pub mod place;
mod rude_clients;
mod stopped_postgres;
mod stopping;
mod time_limits;
mod uploads;
