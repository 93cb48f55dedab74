use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Returns memory to the system and scales with many threads better than the allocator of the C library.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    mesa::telemetry::log_format::start();
    mesa::commands::main()
}
