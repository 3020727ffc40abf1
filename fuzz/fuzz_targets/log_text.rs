//! Any text as printed lines.
#![no_main]

mod sink;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| sink::follow(data, ".log"));
