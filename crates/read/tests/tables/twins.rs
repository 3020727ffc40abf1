//! Kinds of columns in files of strangers.
