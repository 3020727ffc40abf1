//! Which vector instructions the processor has, and code compiled for each.

/// The level of code that every processor of its kind can run.
pub(super) const PLAIN: u8 = if cfg!(target_arch = "aarch64") { FUSED } else { 0 };
/// The level at which multiplying and adding is one instruction.
pub(super) const FUSED: u8 = 1;
/// The level of vectors of 64 bytes.
pub(super) const WIDEST: u8 = 2;

/// Compiles the body of a function several times, for processors with ever wider vectors, and calls the one for this processor.
///
/// Plain loops over arrays of lanes become vector instructions in each. The body's last generic argument is the level: from [`FUSED`] on it
/// may multiply and add in one instruction, which is a call to a library where there is none.
macro_rules! for_each_level {
    ($(#[$meta:meta])* fn $name:ident[$t:ident]($argument:ident: $from:ty) -> $to:ty = $body:ident) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "instructions are used only where the processor was asked for them")]
        fn $name<$t: Element>($argument: $from) -> $to {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
                fn widest<$t: Element>($argument: $from) -> $to {
                    $body::<$t, { $crate::kernel::level::WIDEST }>($argument)
                }
                #[target_feature(enable = "avx2,fma,f16c")]
                fn wide<$t: Element>($argument: $from) -> $to {
                    $body::<$t, { $crate::kernel::level::FUSED }>($argument)
                }
                match $crate::kernel::level::Level::here() {
                    // SAFETY: the processor has all that is enabled.
                    $crate::kernel::level::Level::Avx512 => return unsafe { widest::<$t>($argument) },
                    // SAFETY: as above.
                    $crate::kernel::level::Level::Avx2 => return unsafe { wide::<$t>($argument) },
                    $crate::kernel::level::Level::Plain => {}
                }
            }
            $body::<$t, { $crate::kernel::level::PLAIN }>($argument)
        }
    };
}

pub(crate) use for_each_level;

/// Kinds of processors that differ for what is measured here.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Vectors of 64 bytes.
    Avx512,
    /// Vectors of 32 bytes.
    Avx2,
    /// What every processor has.
    Plain,
}

#[cfg(target_arch = "x86_64")]
impl Level {
    /// That of this processor; the answer is remembered by the standard library.
    pub(crate) fn here() -> Self {
        let is_512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let is_256 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        let found = match (is_256, is_512) {
            (true, true) => Self::Avx512,
            (true, false) => Self::Avx2,
            (false, _) => Self::Plain,
        };
        #[cfg(test)]
        let found = found.max(LIMIT.get());
        found
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
thread_local! {
    /// For tests: what this thread makes do with.
    pub(crate) static LIMIT: std::cell::Cell<Level> = const { std::cell::Cell::new(Level::Avx512) };
}
