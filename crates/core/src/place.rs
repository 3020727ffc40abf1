//! Where a finding is.

use serde::{Deserialize, Serialize};

/// Where something was seen. One finding may have many places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// The subject as a whole.
    Whole,
    /// A column of a table.
    Column {
        /// Its name in the header.
        name: String,
    },
    /// Rows of one file.
    Rows {
        /// The file, as the user named it.
        path: String,
        /// 0-based, the header not counted.
        rows: Vec<u64>,
        /// 1-based lines of the file, where it has lines; as long as `rows`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<u64>,
    },
    /// One item of a data set: a line of text, a picture, an annotation.
    Item {
        /// The file, as the user named it.
        path: String,
        /// Index within the file, 0-based.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u64>,
        /// 1-based line in the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
    },
    /// Two things that belong together: columns, files, pictures.
    Pair {
        /// The first, by name.
        a: String,
        /// The second, by name.
        b: String,
    },
    /// A layer of a network, or one of its parameters.
    Layer {
        /// Its name, as the framework or the log names it.
        name: String,
    },
    /// Training steps, both ends included.
    Steps {
        /// First step.
        first: u64,
        /// Last step.
        last: u64,
    },
    /// A parameter of a network.
    Parameter {
        /// Its name in the model.
        name: String,
    },
    /// A sample, by its index in the data set that it was drawn from.
    Sample {
        /// 0-based.
        index: u64,
        /// Rank of the process that drew it, in distributed training.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rank: Option<u64>,
        /// The epoch in which it was drawn, 0-based.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<u64>,
    },
    /// A line of the user's script or of one of its modules.
    Source {
        /// The file, as the user would name it.
        path: String,
        /// 1-based.
        line: u64,
        /// The line itself, without blanks around it.
        text: String,
    },
    /// An operation of the forward pass, or a node of the backward pass.
    Op {
        /// Its name in the framework: `log`, `SqrtBackward0`.
        name: String,
    },
}

impl Place {
    /// The column `name`.
    pub fn column(name: impl Into<String>) -> Self {
        Self::Column { name: name.into() }
    }

    /// The layer `name`.
    pub fn layer(name: impl Into<String>) -> Self {
        Self::Layer { name: name.into() }
    }

    /// The steps from `first` to `last`.
    pub fn steps(first: u64, last: u64) -> Self {
        Self::Steps { first, last: last.max(first) }
    }

    /// The line `line` of a script.
    pub fn source(path: impl Into<String>, line: u64, text: &str) -> Self {
        Self::Source { path: path.into(), line, text: text.trim().to_owned() }
    }

    /// How many single things this place stands for: rows count one by one, everything else is one.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Rows { rows, .. } => rows.len() as u64,
            Self::Steps { first, last } => last - first + 1,
            Self::Whole
            | Self::Column { .. }
            | Self::Item { .. }
            | Self::Pair { .. }
            | Self::Layer { .. }
            | Self::Parameter { .. }
            | Self::Sample { .. }
            | Self::Source { .. }
            | Self::Op { .. } => 1,
        }
    }
}
