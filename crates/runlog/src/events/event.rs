//! The messages of event files: `Event`, `Summary`, `SummaryMetadata`, `SessionLog`, and the hyperparameters of the
//! `hparams` plugin.
//!
//! Field numbers are those of `tensorflow/core/util/event.proto`, `framework/summary.proto` and
//! `tensorboard/plugins/hparams/plugin_data.proto`.

use super::wire::{Fields, Value};

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
