//! Measurements on the sample of rows: one file a signal.
