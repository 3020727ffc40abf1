//! Shared by the targets.

use std::io::Write;
use std::path::Path;

use stetho_read::{ReadError, Source};

/// Writes the input to a file, opens it and decodes every part; errors are fine, panics are not.
pub fn drain(data: &[u8], name: &str, open: impl Fn(&Path) -> Result<Box<dyn Source>, ReadError>) {
    let Ok(mut file) = tempfile::Builder::new().suffix(name).tempfile() else { return };
    if file.write_all(data).and_then(|()| file.flush()).is_err() {
        return;
    }
    let Ok(mut source) = open(file.path()) else { return };
    let n_columns = source.fields().len();
    while let Ok(Some(part)) = source.next_part() {
        let rows = part.rows.clone();
        let _ = (part.decode)(&mut |batch| {
            assert_eq!(batch.rows.num_columns(), n_columns);
            for row in 0..batch.rows.num_rows() {
                assert!(rows.contains(&batch.row_number(row)));
            }
            true
        });
    }
}
