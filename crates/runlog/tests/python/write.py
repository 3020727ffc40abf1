"""Writes event files as `torch.utils.tensorboard` and `tensorboard` do, into subfolders of the folder that is named."""
import sys
from pathlib import Path

import numpy as np
import torch
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto
from torch.utils.tensorboard import SummaryWriter

ROOT = Path(sys.argv[1])


def everything():
    writer = SummaryWriter(str(ROOT / "everything"))
    odd = [float("nan"), float("inf"), -float("inf"), 0.1, -0.0]
    for step in range(5):
        writer.add_scalar("old", 0.5 + step, step, walltime=1e9 + step)
        writer.add_scalar("odd", odd[step], step)
        writer.add_scalar("new", 0.25 * step, step, new_style=True)
        writer.add_scalar("double", 1e300, step, new_style=True, double_precision=True)
        writer.add_scalars("losses", {"train": step, "val": 2 * step}, step)
        writer.add_histogram("weights", np.random.rand(100), step)
        writer.add_tensor("tensor", torch.arange(4.0), step)
    writer.add_image("picture", np.zeros((3, 8, 8)), 0)
    writer.add_text("notes", "a text", 0)
    writer.add_pr_curve("curve", np.array([0, 1]), np.array([0.2, 0.8]), 0)
    writer.close()


def resumed():
    with SummaryWriter(str(ROOT / "resumed")) as writer:
        for step in range(6):
            writer.add_scalar("loss", 1.0, step)
            writer.add_scalar("accuracy", 1.0, step)
    with SummaryWriter(str(ROOT / "resumed"), purge_step=3) as writer:
        for step in range(3, 5):
            writer.add_scalar("loss", 2.0, step)


def hyperparameters():
    with SummaryWriter(str(ROOT / "hparams")) as writer:
        settings = {"lr": 0.1, "batch": 32, "optimizer": "adam", "amp": True}
        writer.add_hparams(settings, {"hparam/accuracy": 0.5}, run_name="trial")


def tensors():
    """As TensorFlow 2 writes scalars: tensors of rank 0, the metadata with the first event alone."""
    writer = EventFileWriter(str(ROOT / "tensors"))
    for tag, kind in [("float", np.float32), ("double", np.float64), ("half", np.float16), ("int", np.int64)]:
        for step in range(3):
            value = Summary.Value(tag=tag, tensor=make_tensor_proto(kind(1.5 * step)))
            if step == 0:
                value.metadata.CopyFrom(SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars")))
            writer.add_event(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[value])))
    writer.close()


everything()
resumed()
hyperparameters()
tensors()
