//! The median.

/// The median of values, the mean of the middle two where their number is even; puts them out of order. NaN for none.
///
/// ```
/// assert_eq!(stetho_core::median(&mut [3.0, 1.0, 2.0]), 2.0);
/// assert_eq!(stetho_core::median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
/// assert!(stetho_core::median(&mut []).is_nan());
/// ```
pub fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even { below.iter().copied().fold(f64::MIN, f64::max).midpoint(upper) } else { upper }
}
