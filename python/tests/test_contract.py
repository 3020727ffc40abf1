"""Contracts: what breaks one is named with its index, field, value and rule, in the worker where it is made."""

from __future__ import annotations

import csv
import json
import pickle
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import stetho
from conftest import call
from stetho.contracts import Contract, ContractError, ContractViolation, checks, guard_of, infer, toml

torch = pytest.importorskip("torch")
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset  # noqa: E402

BOX = {"[1].boxes": {"boxes": "xyxy", "inside": "[0]"}}


class Boxes(Dataset):
    """Pictures with boxes; the box of sample 41 has no width."""

    def __init__(self, n: int = 96, bad: int | None = 41) -> None:
        self.n, self.bad = n, bad
        self.classes = ["cat", "dog", "cow"]

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int):
        generator = torch.Generator().manual_seed(i)
        n = 1 + i % 4
        corner = torch.rand(n, 2, generator=generator) * 20
        boxes = torch.cat([corner, corner + 5], 1)
        if i == self.bad:
            boxes[0] = torch.tensor([3.0, 4, 3, 9])
        return torch.rand(3, 32, 32, generator=generator), {"boxes": boxes, "labels": torch.randint(0, 3, (n,), generator=generator)}


class Batched(Boxes):
    """The same, asked for many at once."""

    def __getitems__(self, indices):
        return [self[i] for i in indices]


class Stream(IterableDataset):
    """Numbers one after another; the sixth is no number."""

    def __iter__(self):
        for i in range(16):
            yield {"x": torch.full((3,), float("nan") if i == 5 else float(i)), "t": [0.0, 1.0, 2.0 + i]}


def as_list(batch):
    """No batch is made of samples of many sizes."""
    return batch


def broken(contract: dict, sample, **more) -> list[tuple[str, str, str]]:
    """Field, rule and value of what a sample breaks."""
    checker = checks.compiled(Contract(contract, **more))
    return [(b.field, checker.rules[b.rule][1], b.value) for b in checker.look(sample)]


@dataclass
class Record:
    """A sample that is a dataclass."""

    image: np.ndarray
    mask: np.ndarray


GOOD_AND_BAD = [
    ({"x": {"shape": [3, -1]}}, {"x": np.zeros((3, 7))}, {"x": np.zeros((2, 7))}, ("shape [3, any]", "shape [2, 7]")),
    ({"x": {"dtype": "float32"}}, {"x": torch.zeros(2)}, {"x": torch.zeros(2).double()}, ("of type float32", "float64")),
    ({"x": {"dtype": ["int", "float"]}}, {"x": 3}, {"x": "3"}, ("of type float or int", "str")),
    ({"x": {"min": 0, "max": 1}}, {"x": torch.tensor([0.0, 1.0])}, {"x": torch.tensor([0.5, 2.0])}, ("at most 1", "2 at [1]")),
    ({"x": {"min": 0}}, {"x": 0.0}, {"x": -2}, ("at least 0", "-2")),
    ({"x": {"min": 0}}, {"x": np.zeros(2)}, {"x": np.array([0.0, np.nan])}, ("at least 0", "nan at [1]")),
    ({"x": {"finite": True}}, {"x": np.ones((2, 2))}, {"x": np.array([[1.0, 2], [np.inf, 4]])}, ("finite", "inf at [1, 0]")),
    ({"x": {"finite": True}}, {"x": [1.0, 2.0]}, {"x": [1.0, float("nan")]}, ("finite", "nan at [1]")),
    ({"y": {"values": [0, 1]}}, {"y": torch.tensor([0, 1])}, {"y": torch.tensor([0, 2])}, ("one of 0, 1", "2 at [1]")),
    ({"y": {"values": ["cat", "dog"]}}, {"y": "cat"}, {"y": "cow"}, ("one of 'cat', 'dog'", "'cow'")),
    ({"t": {"increasing": "strictly"}}, {"t": [1, 2, 3]}, {"t": [1, 3, 3]}, ("strictly increasing", "3, 3 at [1], [2]")),
    ({"t": {"increasing": True}}, {"t": [1, 1, 2]}, {"t": [2, 1]}, ("increasing", "2, 1 at [0], [1]")),
    ({"b": {"boxes": "xyxy"}}, {"b": torch.tensor([[1.0, 2, 3, 4]])}, {"b": torch.tensor([[1.0, 5, 3, 4]])}, ("ymin < ymax", "[1, 5, 3, 4]")),
    ({"b": {"boxes": "xywh"}}, {"b": [[1, 2, 3, 4]]}, {"b": [[1, 2, 0, 4]]}, ("width > 0", "[1, 2, 0, 4]")),
    ({"b": {"boxes": "xyxy", "min_side": 2}}, {"b": [[0, 0, 2, 2]]}, {"b": [[0, 0, 9, 1]]}, ("sides of at least 2", "[0, 0, 9, 1]")),
    ({"b": {"boxes": "cxcywh", "inside": "unit"}}, {"b": [[0.5, 0.5, 1, 1]]}, {"b": [[0.9, 0.5, 0.4, 0.4]]}, ("between 0 and 1", "[0.9, 0.5, 0.4, 0.4]")),
    ({"b": {"boxes": "xyxy"}}, {"b": torch.zeros(0, 4)}, {"b": [[float("nan"), 0, 1, 1]]}, ("xmin < xmax", "[nan, 0, 1, 1]")),
    ({"x": {}}, {"x": 1}, {"y": 1}, ("present", "not there")),
]


@pytest.mark.parametrize(("contract", "good", "bad", "told"), GOOD_AND_BAD)
def test_each_rule_speaks_and_stays_quiet(contract, good, bad, told):
    assert broken(contract, good) == []
    assert [(rule, value) for _, rule, value in broken(contract, bad)] == [told]


def test_boxes_lie_inside_the_picture_whatever_it_is():
    from PIL import Image

    contract = {"[1]": {"boxes": "xyxy", "inside": "[0]"}}
    for picture in (torch.zeros(3, 20, 30), np.zeros((20, 30, 3), np.uint8), Image.new("RGB", (30, 20))):
        assert broken(contract, (picture, torch.tensor([[0.0, 0, 30, 20]]))) == []
        [(field, rule, value)] = broken(contract, (picture, torch.tensor([[0.0, 0, 20, 30]])))
        assert (field, rule) == ("[1]", "inside the picture")
        assert value == "[0, 0, 20, 30] of a picture 30 wide, 20 high"


def test_fields_belong_together():
    together = {"same_length": [("boxes", "labels")]}
    assert broken({}, {"boxes": torch.zeros(3, 4), "labels": [1, 2, 3]}, **together) == []
    assert broken({}, {"boxes": torch.zeros(3, 4), "labels": [1, 2]}, **together) == [("labels", "as long as `boxes`", "2, not 3")]
    sized = {"same_size": [("image", "mask")]}
    assert broken({}, Record(np.zeros((8, 9, 3)), np.zeros((8, 9))), **sized) == []
    assert broken({}, Record(np.zeros((8, 9, 3)), np.zeros((9, 8))), **sized) == [("mask", "as large as `image`", "9×8, not 8×9")]


def test_items_of_lists_are_named():
    contract = {"[1][*].bbox": {"boxes": "xywh"}, "[1][*].category_id": {"min": 1}}
    sample = (0, [{"bbox": [1, 2, 3, 4], "category_id": 1}, {"bbox": [1, 2, 3, 0], "category_id": 0}])
    assert broken(contract, sample) == [
        ("[1][1].bbox", "height > 0", "[1, 2, 3, 0]"),
        ("[1][1].category_id", "at least 1", "0"),
    ]


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("data", [Boxes, Batched])
def test_a_worker_tells_sample_field_value_and_rule(context, data):
    made = {"num_workers": 2, "collate_fn": as_list, "multiprocessing_context": context, "persistent_workers": True}
    loader = DataLoader(data(), 8, shuffle=True, **made)
    assert stetho.contract(loader, BOX) is loader
    assert isinstance(loader.dataset, data) and loader.dataset.classes == ["cat", "dog", "cow"] and len(loader.dataset) == 96
    with pytest.raises(ContractViolation) as caught:
        list(loader)
    told = str(caught.value)
    assert "sample 41 of `loader`: `[1].boxes` is [3, 4, 3, 9]" in told and "the contract says xmin < xmax" in told and "worker process" in told
    assert "\n" not in told


def test_indices_are_those_underneath_subsets():
    data = Subset(Subset(Boxes(), range(20, 90)), range(10, 40))
    loader = stetho.contract(DataLoader(data, 8, collate_fn=as_list), BOX)
    with pytest.raises(ContractViolation, match="sample 41 of"):
        list(loader)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_warn_lets_through_and_counts_over_epochs_and_workers(n_workers, capfd, tmp_path):
    made = {"num_workers": n_workers, "collate_fn": as_list}
    loader = stetho.contract(DataLoader(Boxes(), 8, **made), BOX, policy="warn", quarantine=tmp_path / "out.csv")
    assert [len(batch) for _ in range(3) for batch in loader] == [8] * 36
    guard = guard_of(loader)
    assert (guard.n_samples(), guard.n_violations()) == (288, 3)
    assert guard.violations() == [{"index": 41, "field": "[1].boxes", "rule": "xmin < xmax", "value": "[3, 4, 3, 9] (box 0)", "quarantined": False}]
    assert capfd.readouterr().err.count("sample 41") == 1
    guard.write_quarantine()
    with open(tmp_path / "out.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{"index": "41", "field": "[1].boxes", "rule": "xmin < xmax", "value": "[3, 4, 3, 9] (box 0)"}]
    record = guard.record()
    assert (record["n_samples"], record["n_violations"], record["policy"]) == (288, 3, "warn")


@pytest.mark.parametrize("data", [Boxes, Batched])
def test_skip_puts_the_next_sample_in_its_place(data):
    loader = stetho.contract(DataLoader(data(), 8, collate_fn=as_list), BOX, policy="skip")
    samples = [sample for batch in loader for sample in batch]
    assert len(samples) == 96
    assert torch.equal(samples[41][0], samples[42][0]) and torch.equal(samples[42][0], Boxes()[42][0])
    assert guard_of(loader).violations()[0]["quarantined"]


def test_skip_gives_up_where_nothing_fits():
    loader = stetho.contract(DataLoader(Boxes(), 8, collate_fn=as_list), {"[0]": {"shape": [1, 2, 3]}}, policy="skip")
    with pytest.raises(ContractViolation, match="96 in a row break it"):
        list(loader)


def test_streams_and_plain_iterables_drop_what_is_left_out():
    for n_workers in (0, 1):
        loader = stetho.contract(DataLoader(Stream(), 5, num_workers=n_workers), {"x": {"finite": True}}, policy="skip")
        assert [len(batch["x"]) for batch in loader] == [5, 5, 5]
        assert [v["index"] for v in guard_of(loader).violations()] == [5]
    batches = stetho.contract([{"x": [1.0]}, {"x": [float("inf")]}], {"x": {"finite": True}}, policy="skip")
    assert list(batches) == [{"x": [1.0]}]
    assert list(stetho.contract(iter([1, 2]), {"sample": {"min": 1}})) == [1, 2]


def test_what_stands_for_a_data_set_can_be_pickled_and_asked():
    data = stetho.contract(ConcatDataset([Boxes(), Boxes()]), BOX, policy="warn", name="both")
    again = pickle.loads(pickle.dumps(data))
    assert len(again) == 192 and again.cumulative_sizes == [96, 192] and isinstance(again, ConcatDataset)
    again[41], again[137], data[0]
    assert [v["index"] for v in guard_of(data).violations()] == [41, 137]


def test_a_contract_is_inferred_written_edited_and_read(tmp_path):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    loader = DataLoader(Boxes(256), 16, shuffle=True, num_workers=2, collate_fn=as_list)
    made = infer(loader, first=8, out=tmp_path / "contract.toml")
    assert torch.equal(before, torch.get_rng_state())
    picture, boxes, labels = (made.fields[f] for f in ("[0]", "[1].boxes", "[1].labels"))
    assert (picture.shape, picture.dtype, picture.min, picture.max, picture.finite) == ((3, 32, 32), "float32", 0.0, 1.0, True)
    assert (boxes.boxes, boxes.inside, boxes.shape) == ("xyxy", "[0]", (None, 4))
    assert labels.values == (0, 1, 2)
    assert made.same_length == (("[1].boxes", "[1].labels"),) and made.policy == "warn"
    assert toml.read(tmp_path / "contract.toml") == made
    text = (tmp_path / "contract.toml").read_text()
    (tmp_path / "contract.toml").write_text(text.replace('policy = "warn"', 'policy = "raise"'))
    loader = stetho.contract(loader, tmp_path / "contract.toml")
    with pytest.raises(ContractViolation, match="sample 41"):
        list(loader)


def test_what_is_inferred_is_quiet_on_the_rest_of_healthy_sets():
    class Table(Dataset):
        """Heavy tails, rare classes, missing values: nothing of which is a fault."""

        def __len__(self):
            return 4000

        def __getitem__(self, i):
            generator = np.random.default_rng(i)
            x = generator.standard_t(2, 12).astype(np.float32)
            if generator.random() < 0.15:
                x[3] = np.nan
            label = int(generator.choice(5, p=[0.6, 0.3, 0.07, 0.029, 0.001]))
            return {"x": x, "y": label, "price": float(np.exp(2 * generator.normal())), "note": None if i % 3 else "text"}

    class Signals(Dataset):
        """Normalised pictures of one channel and a word of any length."""

        def __len__(self):
            return 2000

        def __getitem__(self, i):
            generator = np.random.default_rng(i)
            return generator.normal(size=(1, 16, 16)).astype(np.float32), "word" * int(generator.integers(0, 9)), generator.integers(0, 9, int(generator.integers(1, 20)))

    for data in (Table(), Signals(), Boxes(2000, bad=None)):
        kept = stetho.contract(data, "infer")
        for i in range(len(data)):
            kept[i]
        assert guard_of(kept).violations() == [], type(data).__name__


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"x": {"shap": [1]}}, "field `x` has `shap`, which says nothing"),
        ({"x": {"boxes": "xxyy"}}, "`boxes` of `x` is `xxyy`"),
        ({"x": {"inside": "[0]"}}, "say `boxes = \"xyxy\"` too"),
        ({"x": {"min": 2, "max": 1}}, "there is nothing between them"),
        ({"x": {"shape": [1.5]}}, "sides are whole numbers"),
        ({"x[": {}}, "`x[` is no path of a field"),
        ({}, "the contract says nothing"),
        (3, "the contract is a int"),
    ],
)
def test_contracts_that_make_no_sense_are_told(said, told):
    with pytest.raises(ContractError) as caught:
        stetho.contract([1], said)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("polcy = 'raise'", "`polcy` says nothing"), ("[[field]]\nmin = 1", "has no `path`"), ("x = [", "is no TOML"),
        ("[[field]]\npath = 'x'\nmin = 'a'\nmax = 1", "of another type"), ("schema = 9", "its format is 9"),
    ],
)
def test_files_that_are_no_contract_are_told(text, told, tmp_path):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ContractError) as caught:
        toml.read(tmp_path / "c.toml")
    assert told in str(caught.value) and "c.toml" in str(caught.value)


def test_it_works_without_torch():
    script = (
        "import sys; sys.modules['torch'] = None\nimport stetho\n"
        "data = stetho.contract([{'x': [1, 2]}, {'x': [3, None]}], {'x': {'values': [1, 2]}})\n"
        "try: list(data)\nexcept ValueError as error: print(error)\n"
    )
    result = call([sys.executable, "-c", script])
    assert result.stdout == "sample 1 of `list`: `x` is 3 at [0]; the contract says one of 1, 2\n", result.stderr


TRAIN = """
import torch
from torch.utils.data import DataLoader, Dataset, random_split
class Data(Dataset):
    def __len__(self): return 400
    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        x = torch.randn(1, 8, 8, generator=generator)
        if i == BAD: x = x * 200 + 1000
        return x, int(x.mean() > 0)
torch.manual_seed(0)
train_set, val_set = random_split(Data(), [300, 100], torch.Generator().manual_seed(1))
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
optimizer = torch.optim.SGD(net.parameters(), 1e-2)
train_loader = DataLoader(train_set, 16, shuffle=True, num_workers=2)
val_loader = DataLoader(val_set, 16)
for epoch in range(2):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for x, y in val_loader: net(x)
print(sum(p.double().sum().item() for p in net.parameters()))
"""


def test_run_with_a_contract_tells_the_sample_and_leaves_the_training_as_it_is(stetho, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN.replace("BAD", "-1"))
    plain = call([sys.executable, "train.py"], cwd=tmp_path)
    healthy = stetho("run", "--dir", "healthy", "--contract", "infer", "--out", "healthy.json", "train.py")
    assert healthy.stdout == plain.stdout, healthy.stderr
    assert not [f for f in json.loads((tmp_path / "healthy.json").read_text())["findings"] if f["rule"] == "contract-violated"]
    (tmp_path / "train.py").write_text(TRAIN.replace("BAD", "41"))
    result = stetho("run", "--dir", "run", "--contract", "healthy/contract.toml", "--out", "report.json", "train.py")
    assert result.returncode == 0, result.stderr
    [finding] = [f for f in json.loads((tmp_path / "report.json").read_text())["findings"] if f["rule"] == "contract-violated"]
    assert finding["severity"] == "warning"  # of an inferred contract
    assert finding["places"] == [{"kind": "sample", "index": 41}]
    assert "`[0]` is" in finding["message"] and "at most" in finding["message"]
    [code] = json.loads((tmp_path / "run" / "code.json").read_text())["contracts"][:1]
    assert code["n_samples"] >= 200
    assert [row["index"] for path in (tmp_path / "run").glob("quarantine*.csv") for row in csv.DictReader(path.open())] == ["41"]


def test_a_declared_contract_ends_the_run_with_one_line(stetho, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN.replace("BAD", "41"))
    (tmp_path / "c.toml").write_text('loaders = ["train_loader", "val_loader"]\n[[field]]\npath = "[0]"\nmin = -50\nmax = 50\n')
    result = stetho("run", "--dir", "run", "--contract", "c.toml", "--out", "report.json", "train.py")
    assert result.returncode == 1
    assert "ContractViolation: sample 41 of `" in result.stderr
    assert any(f["rule"] == "contract-violated" and f["severity"] == "error" for f in json.loads((tmp_path / "report.json").read_text())["findings"])
    assert "there is no contract `none.toml`" in stetho("run", "--contract", "none.toml", "train.py").stderr


def test_no_warning_of_python_is_raised():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert broken({"x": {"min": 0, "finite": True}}, {"x": np.zeros(3)}) == []


FIELDS = [
    {"dtype": "float32", "shape": [2, None]}, {"min": -1.0, "max": 1.0}, {"finite": True}, {"min": 0.1}, {"values": [0, 1, 2]},
    {"values": [0, 5]}, {"dtype": ["int64", "int"]}, {"max": 2}, {"boxes": "xyxy", "inside": "[1]", "min_side": 1.0},
    {"boxes": "xywh"}, {"boxes": "cxcywh", "inside": "unit"}, {"increasing": True}, {"values": ["a"]}, {"optional": True}, {"shape": []},
]
NAN = float("nan")
VALUES = [
    torch.zeros(2, 3), torch.tensor([[0.1, -0.5]]), torch.tensor([0.0, NAN]), torch.tensor([float("inf")]), torch.ones(3, 2).t(), torch.zeros(0, 4),
    torch.tensor([0, 1, 2]), torch.tensor([0, 5, 7], dtype=torch.uint8), torch.tensor(1), torch.tensor([1.5, 0.1], dtype=torch.float16),
    torch.tensor([[1.0, 1, 3, 3]]), torch.tensor([2.0, 2, 9, 1]), torch.tensor([[0.5, 0.5, 0.2, 0.2]]), torch.tensor([[0, 0, 4, 4]]), torch.zeros(1, 5),
    torch.tensor(True), torch.nn.Parameter(torch.zeros(2, 2)), torch.eye(2).to_sparse(), torch.empty(2, device="meta"),
    0, 1, 5, True, 0.5, NAN, 10**30, "a", None, [0, 1], [[1.0, 1.0, 3.0, 3.0]], np.zeros((2, 2), "float32"), np.array([0, 5]), {"a": 1},
]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_the_one_call_that_looks_first_finds_what_is_found_without_it(field):
    checker = checks.compiled(Contract({"[0]": field}))
    slow = checks.compiled(Contract({"[0]": field}))
    slow._ask = lambda sample: -1
    n_sure = 0
    for value in VALUES:
        if isinstance(value, torch.Tensor) and (value.is_sparse or value.device.type == "meta"):
            assert checker._ask is None or checker._ask((value, torch.zeros(3, 4, 8))) == 1
            continue
        sample = (value, torch.zeros(3, 4, 8))
        try:
            expected = slow.look(sample)
        except (TypeError, ValueError, RuntimeError):
            continue
        assert checker.look(sample) == expected, value
        n_sure += not checker._ask(sample)
        assert not expected or checker._ask(sample) == 1
    assert n_sure or "increasing" in field or "a" in field.get("values", ())
