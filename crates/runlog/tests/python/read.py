"""Reads an event folder with TensorBoard and prints what it sees as JSON; numbers as the bits of their double."""
import json
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", float(value)))[0]


log = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
log.Reload()
tags = log.Tags()
scalars = {tag: [[e.step, e.wall_time, bits(e.value)] for e in log.Scalars(tag)] for tag in tags["scalars"]}
tensors = {
    tag: {
        "plugin": log.SummaryMetadata(tag).plugin_data.plugin_name,
        "values": [[e.step, [bits(v) for v in make_ndarray(e.tensor_proto).ravel()]] for e in log.Tensors(tag)],
    }
    for tag in tags["tensors"]
}
print(json.dumps({"scalars": scalars, "tensors": tensors}))
