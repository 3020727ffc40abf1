//! Typed proof. Renderers match on it without a wildcard, so a new kind is drawn everywhere or does not compile.

use serde::{Deserialize, Serialize};

use crate::Number;

/// The bound that a measure broke.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The measure should have been this or more.
    AtLeast(Number),
    /// The measure should have been this or less.
    AtMost(Number),
}

/// A box drawn on a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Drawn {
    /// xmin, ymin, xmax, ymax in pixels of the picture as stored.
    pub corners: [Number; 4],
    /// Class of the box.
    pub label: String,
    /// Whether the finding is about this box rather than about its neighbours.
    pub is_culprit: bool,
}

/// A picture to be looked at. Rules name it; where the report can show pictures, `thumbnail` is filled in afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Pictured {
    /// Its file, as the user named it.
    pub path: String,
    /// 0-based number within an array file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its part of the data: `train`, `validation`, `test`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// Why it is shown: `sharpness 0.03`, `copy in validation`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// Boxes on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<Drawn>,
    /// Sides in pixels as stored, 0 where unknown.
    #[serde(default)]
    pub width: u32,
    /// See `width`.
    #[serde(default)]
    pub height: u32,
    /// A small copy as a `data:` address; only in reports that show pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

/// A line of a drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Line {
    /// What it shows.
    pub label: String,
    /// Points by rising first coordinate; where the axis has ticks, that is the index of one.
    pub points: Vec<[Number; 2]>,
}

/// Proof of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// One number against its limit.
    Measure {
        /// What was measured, with its unit where it has one.
        name: String,
        /// The value.
        value: Number,
        /// The limit it broke.
        limit: Limit,
    },
    /// A few rows of text or numbers under headings.
    Table {
        /// What the table shows.
        name: String,
        /// Headings.
        columns: Vec<String>,
        /// Rows, each as long as `columns`.
        rows: Vec<Vec<String>>,
    },
    /// Named amounts, drawn as bars: class shares, scores of columns.
    Bars {
        /// What the bars show.
        name: String,
        /// Label and amount, in the order to be drawn.
        bars: Vec<(String, Number)>,
    },
    /// A distribution.
    Histogram {
        /// What is distributed.
        name: String,
        /// Bin edges, one more than `counts`, ascending.
        edges: Vec<Number>,
        /// How many values lie in each bin.
        counts: Vec<u64>,
    },
    /// Lines over one axis: scores by the number of rows, by complexity, by epoch.
    Curves {
        /// What the lines show.
        name: String,
        /// What runs along the horizontal axis.
        x: String,
        /// Labels of evenly spaced places on it, where it has no numbers: names of models.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ticks: Vec<String>,
        /// The lines.
        lines: Vec<Line>,
    },
    /// Pictures, worst first.
    Pictures {
        /// What they show.
        name: String,
        /// Groups to be seen side by side: copies of one picture. A plain gallery has one picture a group.
        groups: Vec<Vec<Pictured>>,
    },
    /// Text quoted from a file.
    Excerpt {
        /// The file, as the user named it.
        path: String,
        /// 1-based line of the first quoted line.
        line: u64,
        /// The quoted text, possibly shortened.
        text: String,
    },
}

impl Evidence {
    /// A measure that should have been at least `limit`.
    pub fn at_least(name: impl Into<String>, value: f64, limit: f64) -> Self {
        Self::Measure { name: name.into(), value: Number(value), limit: Limit::AtLeast(Number(limit)) }
    }

    /// A measure that should have been at most `limit`.
    pub fn at_most(name: impl Into<String>, value: f64, limit: f64) -> Self {
        Self::Measure { name: name.into(), value: Number(value), limit: Limit::AtMost(Number(limit)) }
    }

    /// A table; every row must be as long as `columns`.
    pub fn table<const N: usize>(
        name: impl Into<String>,
        columns: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Self {
        Self::Table {
            name: name.into(),
            columns: columns.iter().map(|&c| c.to_owned()).collect(),
            rows: rows.into_iter().map(Vec::from).collect(),
        }
    }

    /// Bars in the given order.
    pub fn bars(name: impl Into<String>, bars: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self::Bars { name: name.into(), bars: bars.into_iter().map(|(l, v)| (l, Number(v))).collect() }
    }

    /// Lines over numbers, each a label with its points; those without a value are left out.
    pub fn curves(
        name: impl Into<String>,
        x: impl Into<String>,
        lines: impl IntoIterator<Item = (String, Vec<[f64; 2]>)>,
    ) -> Self {
        let line = |(label, points): (String, Vec<[f64; 2]>)| Line {
            label,
            points: points
                .into_iter()
                .filter(|[_, y]| y.is_finite())
                .map(|[x, y]| [Number(x), Number(y)])
                .collect(),
        };
        Self::Curves {
            name: name.into(),
            x: x.into(),
            ticks: Vec::new(),
            lines: lines.into_iter().map(line).collect(),
        }
    }

    /// A gallery of single pictures, in the given order.
    pub fn pictures(name: impl Into<String>, pictures: impl IntoIterator<Item = Pictured>) -> Self {
        Self::Pictures { name: name.into(), groups: pictures.into_iter().map(|p| vec![p]).collect() }
    }

    /// Cuts lists to their first `most` entries, which rules order worst first.
    pub fn truncate(&mut self, most: usize) {
        match self {
            Self::Table { rows, .. } => rows.truncate(most),
            Self::Bars { bars, .. } => bars.truncate(most),
            Self::Pictures { groups, .. } => {
                groups.truncate(most);
                groups.iter_mut().for_each(|group| group.truncate(most));
            }
            Self::Measure { .. } | Self::Histogram { .. } | Self::Curves { .. } | Self::Excerpt { .. } => {}
        }
    }
}
