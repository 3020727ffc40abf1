//! Any text as a CSV file (or as what its content says that it is).
#![no_main]

mod drain;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drain::drain(data, ".csv", |path| stetho_read::source::open(path, None)));
