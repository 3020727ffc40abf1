"""Frameworks: an unchanged script is trapped with operation, line and sample; a healthy one trains bit for bit as without us, and nothing is said of it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from conftest import call

QUIET = {"HF_HUB_OFFLINE": "1", "KERAS_BACKEND": "torch", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

DATA = """
import hashlib, sys
import torch
BAD, GRADIENT, CALLBACK = (word in sys.argv for word in ("bad", "gradient", "callback"))
class Data(torch.utils.data.Dataset):
    def __len__(self): return 160
    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        w = torch.rand(2, generator=generator) + 0.5
        if BAD and i == 77: w[0] = 0.0
        return torch.randn(8, generator=generator), w
def loss_of(out, w):
    if GRADIENT:
        return (out * w).abs().sqrt().mean()
    return ((out - torch.log(w)) ** 2).mean()
def told(states):
    print("weights", hashlib.sha256(b"".join(t.detach().cpu().numpy().tobytes() for t in states)).hexdigest())
"""

LIGHTNING = DATA + """
import lightning as L
class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 2))
    def training_step(self, batch, batch_idx):
        x, w = batch
        loss = loss_of(self.net(x), w)
        self.log("loss", loss)
        return loss
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self.net(batch[0]) - batch[1]).square().mean())
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)
L.seed_everything(0)
net = Net()
callbacks = []
if CALLBACK:
    import stetho
    callbacks = [stetho.adapters.lightning.StethoCallback(dir="watched")]
quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
trainer = L.Trainer(max_epochs=2, callbacks=callbacks, gradient_clip_val=1.0, **quiet)
trainer.fit(net, torch.utils.data.DataLoader(Data(), 16, shuffle=True), torch.utils.data.DataLoader(Data(), 16))
told(net.state_dict().values())
"""

MANUAL = LIGHTNING.replace("super().__init__()", "super().__init__(); self.automatic_optimization = False").replace(
    "        self.log(\"loss\", loss)\n        return loss",
    "        optimizer = self.optimizers()\n        optimizer.zero_grad()\n        self.manual_backward(loss)\n        optimizer.step()",
).replace("gradient_clip_val=1.0, ", "")

TRANSFORMERS = DATA + """
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed
set_seed(0)
class Words(torch.utils.data.Dataset):
    def __len__(self): return 128
    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        words = torch.randint(5, 50, (6,), generator=generator)
        return {"input_ids": words, "attention_mask": torch.ones(6, dtype=torch.long), "labels": int(words[0] > 27), "weight": 0.0 if BAD and i == 77 else 1.0}
class Weighted(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **more):
        labels, weight = inputs.pop("labels"), inputs.pop("weight")
        logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        if GRADIENT:
            return (loss + (logits * weight[:, None]).abs().sqrt().mean(1)).mean()
        return (loss / weight).mean()
sizes = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=8)
model = BertForSequenceClassification(BertConfig(vocab_size=50, **sizes))
callbacks = []
if CALLBACK:
    import stetho
    callbacks = [stetho.adapters.transformers.StethoCallback(dir="watched")]
given = dict(report_to=[], save_strategy="no", disable_tqdm=True, use_cpu=True, remove_unused_columns=False)
given["gradient_accumulation_steps"] = 2 if "accumulate" in sys.argv else 1
arguments = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=16, learning_rate=1e-2, **given)
Weighted(model, arguments, train_dataset=Words(), callbacks=callbacks).train()
told(model.state_dict().values())
"""

KERAS = DATA + """
import keras, numpy
keras.utils.set_random_seed(0)
pairs = [Data()[i] for i in range(160)]
x, w = (torch.stack(part).numpy() for part in zip(*pairs))
layers = keras.layers
model = keras.Sequential([keras.Input((8,)), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(2)])
def loss(target, out):
    return loss_of(out, target)
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=loss)
callbacks = []
if CALLBACK:
    import stetho
    callbacks = [stetho.adapters.keras.StethoCallback(dir="watched")]
history = model.fit(x, w, batch_size=16, epochs=2, verbose=0, callbacks=callbacks).history
print(history)
told([torch.as_tensor(v) for v in model.get_weights()])
"""

ACCELERATE = DATA + """
from accelerate import Accelerator
torch.manual_seed(0)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2 if "accumulate" in sys.argv else 1)
net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 2))
net, optimizer, loader = accelerator.prepare(net, torch.optim.Adam(net.parameters(), 1e-2), torch.utils.data.DataLoader(Data(), 16, shuffle=True))
for epoch in range(2):
    for x, w in loader:
        with accelerator.accumulate(net):
            loss = loss_of(net(x), w)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
told(accelerator.unwrap_model(net).state_dict().values())
"""

FRAMEWORKS = {
    "lightning": ("lightning", LIGHTNING), "lightning, by hand": ("lightning", MANUAL), "transformers": ("transformers", TRANSFORMERS),
    "keras": ("keras", KERAS), "accelerate": ("accelerate", ACCELERATE),
}


def script_of(name: str, folder: Path) -> str:
    """The text of a framework's script, written into a folder; leaves the test out where the framework is not installed."""
    package, text = FRAMEWORKS[name]
    if importlib.util.find_spec(package) is None:
        assert not os.environ.get("STETHO_ALL_ADAPTERS"), f"{package} was to be installed"
        pytest.skip(f"{package} is not installed: pip install -r gallery/requirements-adapters.txt")
    (folder / "train.py").write_text(text)
    return text


_plain: dict[tuple, str] = {}


def weights(folder: Path, *words: str) -> str:
    """What the script in a folder says of its weights under plain Python; asked once of each."""
    key = ((folder / "train.py").read_text(), words)
    if key not in _plain:
        result = call([sys.executable, "train.py", *words], cwd=folder, environment=QUIET)
        assert result.returncode == 0, result.stderr
        _plain[key] = result.stdout.splitlines()[-1]
    return _plain[key]


def errors_of(path: Path) -> list[dict]:
    """Findings of a report that are errors or warnings about numbers; times of a busy machine are none."""
    found = json.loads(path.read_text())["findings"]
    return [f for f in found if f["severity"] in ("error", "warning") and f["rule"] != "data-starved"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_healthy_script_trains_as_without_us_and_nothing_is_found(stetho, tmp_path, name):
    script_of(name, tmp_path)
    watched = stetho("run", "--dir", "run", "--out", "report.json", "train.py", environment=QUIET)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.splitlines()[-1] == weights(tmp_path)
    assert "failed in stetho" not in watched.stderr and "is not as expected" not in watched.stderr
    assert errors_of(tmp_path / "report.json") == []


#: Experiments that are made of each framework's step.
MADE = {"facts", "overfit", "zeroed", "mixing", "sizes"}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_experiments_before_it_are_made_and_leave_the_training_as_it_would_have_been(stetho, tmp_path, name):
    script_of(name, tmp_path)
    watched = stetho("run", "--preflight", "--dir", "run", "--out", "report.json", "train.py", environment=QUIET)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.splitlines()[-1] == weights(tmp_path)
    assert "failed in stetho" not in watched.stderr and errors_of(tmp_path / "report.json") == []
    record = json.loads((tmp_path / "run" / "preflight.json").read_text())
    why = {e["name"]: e["skipped"] for e in record["experiments"]}
    assert all(why[n] is None for n in MADE), why
    assert not any(w and w.startswith("failed") for w in why.values()), why
    # The framework's own optimizer steps: the losses of the experiments change from step to step.
    losses = record["zeroed"]["real"]
    assert len(set(losses)) > len(losses) / 2 and record["overfit"]["curves"][0]["losses"]


def trap_of(folder: Path) -> dict:
    """The one trap of a run."""
    [line] = (folder / "traps.jsonl").read_text().splitlines()
    return json.loads(line)


def is_told(trap: dict, text: str, name: str, kind: str) -> None:
    """A trap names the kind, the operation, its line and the sample, and could be run again exactly."""
    assert trap["kind"] == kind
    assert trap["replay"]["outcome"] == "exact", trap["replay"]
    assert [s["index"] for s in trap["samples"]] == [77]
    line = text.splitlines()[trap["source"]["line"] - 1]
    wanted = "sqrt()" if kind == "gradient" else "loss / weight" if name == "transformers" else "torch.log(w)"
    assert wanted in line and trap["source"]["path"] == "train.py"
    assert trap["op"] == ("SqrtBackward0" if kind == "gradient" else "div" if name == "transformers" else "log")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_faulty_twin_is_stopped_with_operation_line_and_sample(stetho, tmp_path, name):
    text = script_of(name, tmp_path)
    result = stetho("run", "--dir", "run", "train.py", "bad", "gradient", environment=QUIET)
    assert result.returncode == 1, result.stderr
    is_told(trap_of(tmp_path / "run"), text, name, "gradient")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_dropped_batch_leaves_the_framework_in_order_and_its_bundle_is_replayed(stetho, tmp_path, name):
    text = script_of(name, tmp_path)
    result = stetho("run", "--dir", "run", "--on-trap", "skip", "train.py", "bad", environment=QUIET)
    assert "(batch dropped)" in result.stderr and "failed in stetho" not in result.stderr
    assert result.stdout.splitlines()[-1].startswith("weights")  # it came to its end
    assert "nan" not in result.stdout.lower()
    first = json.loads((tmp_path / "run" / "traps.jsonl").read_text().splitlines()[0])
    is_told(first, text, name, "loss")
    again = stetho("replay", str(tmp_path / "run" / first["bundle"]), environment=QUIET)
    assert "did not fit" not in again.stderr, again.stderr
    is_told(trap_of(tmp_path / "run" / first["bundle"] / "replay"), text, name, "loss")


@pytest.mark.parametrize("name", ["transformers", "accelerate"])
def test_batches_that_are_added_up_keep_their_indices(stetho, tmp_path, name):
    script_of(name, tmp_path)
    watched = stetho("run", "--dir", "healthy", "train.py", "accumulate", environment=QUIET)
    assert watched.stdout.splitlines()[-1] == weights(tmp_path, "accumulate")
    stetho("run", "--dir", "run", "train.py", "bad", "accumulate", environment=QUIET)
    assert [s["index"] for s in trap_of(tmp_path / "run")["samples"]] == [77]


@pytest.mark.parametrize("name", ["lightning", "transformers", "keras"])
def test_the_callback_does_the_same_without_the_command(tmp_path, name):
    script_of(name, tmp_path)
    healthy = call([sys.executable, "train.py", "callback"], cwd=tmp_path, environment=QUIET)
    assert healthy.stdout.splitlines()[-1] == weights(tmp_path)
    assert "stetho run watched" in healthy.stderr and "failed in stetho" not in healthy.stderr
    os.rename(tmp_path / "watched", tmp_path / "healthy")
    faulty = call([sys.executable, "train.py", "callback", "bad"], cwd=tmp_path, environment=QUIET)
    assert faulty.returncode == 1
    assert "error[non-finite-loss]" in faulty.stderr and "sample 77" in faulty.stderr
    assert (tmp_path / "watched" / "report.html").exists()
    assert [s["index"] for s in trap_of(tmp_path / "watched")["samples"]] == [77]
