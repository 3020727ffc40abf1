//! Something measured, or the reason why not.

/// Something measured, or the reason why not.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured<T> {
    /// It was measured.
    Is(T),
    /// It was not, and why, in words for the reader of the report.
    Not(String),
}

impl<T> Measured<T> {
    /// The value, if measured.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Not(_) => None,
        }
    }

    /// The reason, if not measured.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Is(_) => None,
            Self::Not(reason) => Some(reason),
        }
    }
}

impl<T> Default for Measured<T> {
    fn default() -> Self {
        Self::Not("no enabled rule asks for it".into())
    }
}
