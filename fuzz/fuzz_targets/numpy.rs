//! Any bytes behind NumPy's magic as an array.
#![no_main]

mod drain;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"\x93NUMPY\x01\x00", data].concat();
    drain::drain(&bytes, ".npy", stetho_read::source::open_numpy);
});
