//! Any bytes as the messages of an event file whose frames are whole.
#![no_main]

mod sink;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|messages: Vec<Vec<u8>>| {
    let mut file = Vec::new();
    messages.iter().for_each(|message| stetho_runlog::put_frame(&mut file, message));
    sink::follow(&file, ".tfevents");
});
