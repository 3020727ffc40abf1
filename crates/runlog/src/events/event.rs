//! The messages of event files: `Event`, `Summary`, `SummaryMetadata`, `SessionLog`, and the hyperparameters of the
//! `hparams` plugin.
//!
//! Field numbers are those of `tensorflow/core/util/event.proto`, `framework/summary.proto` and
//! `tensorboard/plugins/hparams/plugin_data.proto`.

use super::wire::{Fields, Value, varint};

/// One record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Event<'a> {
    /// Seconds since 1970.
    pub(super) wall_time: f64,
    pub(super) step: i64,
    pub(super) what: What<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What<'a> {
    /// The message `Summary`.
    Summary(&'a [u8]),
    /// A session began at this step.
    SessionStart,
    /// The version of the format, a graph, a log message.
    Other,
}

const SESSION_START: u64 = 1;

/// None if the message is damaged.
#[inline]
pub(super) fn event(data: &[u8]) -> Option<Event<'_>> {
    let mut event = Event { wall_time: 0.0, step: 0, what: What::Other };
    let mut fields = Fields::new(data);
    for (number, value) in &mut fields {
        match (number, value) {
            (1, Value::Fixed64(bytes)) => event.wall_time = f64::from_le_bytes(bytes),
            (2, Value::Varint(step)) => event.step = step.cast_signed(),
            (5, Value::Bytes(summary)) => event.what = What::Summary(summary),
            (7, Value::Bytes(session)) if is_start(session) => event.what = What::SessionStart,
            _ => {}
        }
    }
    (!fields.is_damaged()).then_some(event)
}

/// An event of a single scalar, in the order in which all writers put its fields: nearly every event of nearly every log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scalar<'a> {
    pub(super) wall_time: f64,
    pub(super) step: i64,
    pub(super) tag: &'a [u8],
    pub(super) value: f32,
}

/// None if it is anything else; [`event`] reads it then.
#[inline]
pub(super) fn scalar(data: &[u8]) -> Option<Scalar<'_>> {
    // The keys of the fields: number and type of the value.
    const WALL_TIME: u8 = 1 << 3 | 1;
    const STEP: u8 = 2 << 3;
    const SUMMARY: u8 = 5 << 3 | 2;
    const VALUE: u8 = 1 << 3 | 2;
    const TAG: u8 = 1 << 3 | 2;
    const SIMPLE_VALUE: u8 = 2 << 3 | 5;
    let ([WALL_TIME, wall_time @ .., STEP], mut rest) = data.split_first_chunk::<10>()? else { return None };
    let step = varint(&mut rest)?.cast_signed();
    let [SUMMARY, summary, VALUE, value, TAG, tag, rest @ ..] = rest else { return None };
    let n = usize::from(*tag);
    let fits = rest.len() == n + 5
        && usize::from(*value) == n + 7
        && usize::from(*summary) == n + 9
        && *summary < 128;
    let (tag, number) = rest.split_at_checked(n).filter(|_| fits)?;
    let [SIMPLE_VALUE, number @ ..] = number else { return None };
    let value = f32::from_le_bytes(*number.first_chunk()?);
    Some(Scalar { wall_time: f64::from_le_bytes(*wall_time), step, tag, value })
}

fn is_start(session: &[u8]) -> bool {
    Fields::new(session).any(|(number, value)| number == 1 && value.varint() == SESSION_START)
}

/// One value of a `Summary`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Logged<'a> {
    pub(super) tag: &'a [u8],
    /// The message `SummaryMetadata`.
    pub(super) metadata: Option<&'a [u8]>,
    pub(super) content: Content<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content<'a> {
    Simple(f32),
    /// The message `TensorProto`.
    Tensor(&'a [u8]),
    Histogram,
    Image,
    Audio,
    Nothing,
}

/// None if the message is damaged.
#[inline]
pub(super) fn logged(value: &[u8]) -> Option<Logged<'_>> {
    let mut logged = Logged { tag: &[], metadata: None, content: Content::Nothing };
    let mut fields = Fields::new(value);
    for (number, value) in &mut fields {
        match (number, value) {
            (1, Value::Bytes(tag)) => logged.tag = tag,
            (2, Value::Fixed32(bytes)) => logged.content = Content::Simple(f32::from_le_bytes(bytes)),
            (8, Value::Bytes(tensor)) => logged.content = Content::Tensor(tensor),
            (9, Value::Bytes(metadata)) => logged.metadata = Some(metadata),
            (3 | 5, _) => logged.content = Content::Histogram,
            (4, _) => logged.content = Content::Image,
            (6, _) => logged.content = Content::Audio,
            _ => {}
        }
    }
    (!fields.is_damaged()).then_some(logged)
}

/// What the metadata of a series says of its plugin: name and content.
pub(super) fn plugin(metadata: &[u8]) -> (&[u8], &[u8]) {
    let data = last(metadata, 1);
    (last(data, 1), last(data, 2))
}

/// The last bytes field of this number, else empty.
fn last(message: &[u8], wanted: u32) -> &[u8] {
    Fields::new(message)
        .filter(|(number, _)| *number == wanted)
        .last()
        .map_or(&[], |(_, value)| value.bytes())
}

/// The layers of a packed series: what the plugin `stetho` stores in the metadata.
pub(super) fn layers(content: &[u8]) -> Vec<String> {
    let names = Fields::new(content).filter(|(number, _)| *number == 1);
    names.map(|(_, value)| String::from_utf8_lossy(value.bytes()).into_owned()).collect()
}

/// Calls back with name and value of each hyperparameter that the plugin `hparams` stores in the metadata.
pub(super) fn hyperparameters(content: &[u8], found: &mut dyn FnMut(&str, &str)) {
    let start = last(content, 3);
    for (_, entry) in Fields::new(start).filter(|(number, _)| *number == 1) {
        let name = String::from_utf8_lossy(last(entry.bytes(), 1));
        // The value is a `google.protobuf.Value`: number, text or truth.
        match Fields::new(last(entry.bytes(), 2)).last() {
            Some((2, Value::Fixed64(bytes))) => found(&name, &f64::from_le_bytes(bytes).to_string()),
            Some((3, Value::Bytes(text))) => found(&name, &String::from_utf8_lossy(text)),
            Some((4, Value::Varint(truth))) => found(&name, if truth == 0 { "false" } else { "true" }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::put;
    use super::*;

    #[test]
    fn the_short_way_reads_what_the_long_one_does() {
        for (step, tag) in
            [(1, "loss"), (300, ""), (u64::MAX, "a/b"), (7, &"x".repeat(118)), (7, &"x".repeat(119))]
        {
            let (mut value, mut summary, mut data) = (Vec::new(), Vec::new(), Vec::new());
            put::bytes(&mut value, 1, tag.as_bytes());
            put::float(&mut value, 2, f32::NAN);
            put::bytes(&mut summary, 1, &value);
            put::double(&mut data, 1, 1.5);
            put::number(&mut data, 2, step);
            put::bytes(&mut data, 5, &summary);
            let Event { wall_time, step, what: What::Summary(summary) } = event(&data).unwrap() else {
                panic!()
            };
            let (_, value) = Fields::new(summary).next().unwrap();
            let long = logged(value.bytes()).unwrap();
            let Some(short) = scalar(&data) else {
                assert!(tag.len() > 118, "{tag}");
                continue;
            };
            assert_eq!((short.wall_time, short.step, short.tag), (wall_time, step, long.tag));
            assert!(short.value.is_nan() && matches!(long.content, Content::Simple(v) if v.is_nan()));
            for cut in 0..data.len() {
                assert_eq!(scalar(&data[..cut]), None);
            }
        }
    }
}
