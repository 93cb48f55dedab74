use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Returns memory to the system and scales with many threads better than the allocator of the C library.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn,mesa=info")).init();
    mesa::commands::main()
}
