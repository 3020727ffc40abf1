//! Shared by the targets on logs.

use std::io::Write;
use std::sync::Arc;

use stetho_runlog::{Sink, Tag, TagId, When, find};

#[derive(Default)]
struct Count(u32);

impl Sink for Count {
    fn tag(&mut self, id: TagId, _: Tag<'_>) {
        assert_eq!(id.0, self.0);
        self.0 += 1;
    }

    fn scalar(&mut self, id: TagId, _: When, _: f64) {
        assert!(id.0 < self.0);
    }

    fn vector(&mut self, id: TagId, layers: &Arc<[String]>, _: When, values: &[f32]) {
        assert!(id.0 < self.0);
        assert_eq!(layers.len(), values.len());
    }

    fn restart(&mut self, id: Option<TagId>, _: i64) {
        assert!(id.is_none_or(|id| id.0 < self.0));
    }
}

/// Writes the input to a file in two parts and reads it after each; errors are fine, panics are not.
pub fn follow(data: &[u8], name: &str) {
    let Ok(mut file) = tempfile::Builder::new().suffix(name).tempfile() else { return };
    let (first, second) = data.split_at(data.len() / 2);
    if file.write_all(first).and_then(|()| file.flush()).is_err() {
        return;
    }
    let Ok(found) = find(file.path()) else { return };
    let (mut source, mut sink) = (found.runs[0].open(None), Count::default());
    let _ = source.poll(&mut sink);
    if file.write_all(second).and_then(|()| file.flush()).is_ok() {
        let _ = source.finish(&mut sink);
    }
    source.account();
}
