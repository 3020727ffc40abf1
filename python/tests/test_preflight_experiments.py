"""What the experiments of a preflight measure, on models made for it. The harness has tests of its own."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset  # noqa: E402

from stetho.preflight import (  # noqa: E402
    causal, gradient_checks, lookup, losses, mixing, output, samples, sizes, supervised, trees, validation, zeroed,
)
from stetho.preflight.attempt import Skip  # noqa: E402
from stetho.preflight.still import Still  # noqa: E402


class Stand:
    """Stands in for the bench: a model and its arguments, as a first attempt of a step would have shown them."""

    def __init__(
        self, model=None, inputs=(), keywords=None, n_rows=None, target=None, loss="cross_entropy", loaders=(), batch=None
    ) -> None:
        self.torch, self.model, self.inputs, self.keywords = torch, model, tuple(inputs), keywords or {}
        self.mixed_precision = (False, None)
        self.why_no_model, self.device, self.n_rows = "no model", torch.device("cpu"), n_rows
        self.result = self.output = model(*inputs, **self.keywords) if model is not None else None
        made = {"args": self.inputs, "kwargs": self.keywords, "output": self.result}
        call = SimpleNamespace(module=model, is_grad=True, autocast=(False, None), **made)
        self.calls, self.last_call, self.n_backward = [call] if model is not None else [], call, 1
        self.watched = SimpleNamespace(calls=self.calls)
        self.main_call = None
        if target is not None:
            given = {"args": (self.output, target), "kwargs": {}, "input": self.output, "target": target}
            self.main_call = SimpleNamespace(function=loss, call=getattr(F, loss), **given)
        self.loss_calls = [self.main_call] if target is not None else []
        self.batch = {"x": self.inputs[0]} if self.inputs else {}
        self.loaders = list(loaders)
        self.train_loader = self.loaders[0][1] if self.loaders else None
        self.session = SimpleNamespace(
            options=SimpleNamespace(is_own=lambda path: path == __file__),
            batches=SimpleNamespace(last=SimpleNamespace(content=batch)),
        )

    def remaining(self) -> float:
        return 30.0

    def autocast(self):
        return contextlib.nullcontext()

    aside = autocast

    def autocast_of(self, call):
        return contextlib.nullcontext

    def forward(self, inputs, keywords):
        return self.model(*inputs, **keywords)


class Function(nn.Module):
    """A model whose forward pass is a function of it and its input."""

    def __init__(self, forward, **parts) -> None:
        super().__init__()
        self._forward = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args, **keywords):
        return self._forward(self, *args, **keywords)


def rows(n=16, *shape):
    return torch.randn(n, *(shape or (6,)), generator=torch.Generator().manual_seed(1))


def attention(m, x):
    q, k, v = m.qkv(x).chunk(3, -1)
    return m.out((q @ k.transpose(-2, -1)).softmax(-1) @ v).mean(1)


def tokens(n=12, length=4):
    return torch.randint(0, 20, (n, length), generator=torch.Generator().manual_seed(2))


def words(forward, width=2):
    return Function(forward, e=nn.Embedding(20, 8), o=nn.Linear(8, width))


def recurrent(forward, **options):
    return Function(forward, r=nn.LSTM(6, 8, **options), o=nn.Linear(8, 2))


SEPARATE = {
    "perceptron": (nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), rows()),
    "batch norm and dropout": (nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)), rows()),
    "softmax at the end, whose sum has no gradient": (nn.Sequential(nn.Linear(6, 3), nn.Softmax(1)), rows()),
    "convolution": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)), rows(16, 3, 8, 8)),
    "attention within a sample": (Function(attention, qkv=nn.Linear(6, 18), out=nn.Linear(6, 2)), rows(12, 5, 6)),
    "recurrent": (recurrent(lambda m, x: m.o(m.r(x)[0][:, -1]), batch_first=True), rows(12, 5, 6)),
    "tokens": (words(lambda m, x: m.o(m.e(x).mean(1))), tokens()),
    "positions of all samples as rows": (words(lambda m, x: m.o(m.e(x)).reshape(-1, 20), 20), tokens()),
}


@pytest.mark.parametrize("name", SEPARATE)
def test_models_that_keep_samples_apart_are_told(name):
    model, x = SEPARATE[name]
    found = mixing.measure(Stand(model, (x,), n_rows=len(x)))
    assert found["own"] > 0.0 and found["other"] == 0.0 and found["pair"] is None and found["repeat_error"] == 0.0


MIXED = {
    "softmax over the batch": (Function(lambda m, x: m.a(x).softmax(0), a=nn.Linear(6, 3)), rows(), "softmax", None),
    "less the mean of the batch": (Function(lambda m, x: m.a(x - x.mean(0)), a=nn.Linear(6, 2)), rows(), "mean", None),
    "time first": (recurrent(lambda m, x: m.o(m.r(x)[0][:, -1])), rows(12, 5, 6), "lstm", "r"),
    "view in the place of transpose": (recurrent(lambda m, x: m.o(m.r(x.view(5, 12, 6))[0][-1])), rows(12, 5, 6), "view", None),
    "tokens": (words(lambda m, x: m.o(F.normalize(m.e(x).mean(1), dim=0))), tokens(), "normalize", None),
}


@pytest.mark.parametrize("name", MIXED)
def test_models_that_mix_samples_are_told_with_the_line(name):
    model, x, function, module = MIXED[name]
    found = mixing.measure(Stand(model, (x,), n_rows=len(x)))
    assert found["other"] > 1e-3 * found["own"] and found["pair"][0] != found["pair"][1]
    assert found["function"] == function and found["module"] == module
    assert f'"{name}"' in found["place"]["text"]


def test_a_step_without_a_batch_that_tells_reads_time_first_models_both_ways():
    model = Function(lambda m, x: m.o(m.r(x)[0]), r=nn.LSTM(6, 8), o=nn.Linear(8, 2))
    assert mixing.measure(Stand(model, (rows(5, 12, 6),)))["other"] == 0.0

    def causal_first(m, x):  # (time, samples, features), by hand
        return m.o(x.cumsum(0) / torch.arange(1, len(x) + 1).view(-1, 1, 1))

    model = Function(causal_first, o=nn.Linear(6, 2))
    assert mixing.measure(Stand(model, (rows(5, 12, 6),)))["other"] == 0.0
    assert {f["outcome"] for f in sizes._of_model(Stand(model, (rows(5, 12, 6),)), None)} == {"ok"}


@pytest.mark.parametrize("model, inputs, why", [
    (Function(lambda m, a, b: m.f(a) @ m.g(b).t(), f=nn.Linear(6, 4), g=nn.Linear(6, 4)), (rows(), rows() + 1), "one another"),
    (Function(lambda m, x, edges: m.f(x), f=nn.Linear(6, 2)), (rows(), torch.tensor([[0, 1, 2], [1, 2, 0]])), "graph"),
    (Function(lambda m, x: m.f(m.edges @ x), f=nn.Linear(6, 2), edges=torch.eye(16).roll(1, 0)), (rows(),), "graph"),
    (nn.GRU(6, 2), (nn.utils.rnn.pack_sequence([rows(5), rows(3)]),), "no tensors"),
    (nn.Linear(6, 2), (rows(1),), "one sample"),
])
def test_what_is_mixed_on_purpose_or_cannot_be_is_skipped(model, inputs, why):
    with pytest.raises(Skip, match=why):
        mixing.measure(Stand(model, inputs, n_rows=len(inputs[0]) if isinstance(inputs[0], torch.Tensor) else None))


class Decoder(nn.Module):
    """A language model of one layer of attention."""

    def __init__(self, mask: str) -> None:
        super().__init__()
        self.mask = mask
        self.embed, self.place = nn.Embedding(30, 16), nn.Embedding(32, 16)
        self.qkv, self.out, self.drop = nn.Linear(16, 48), nn.Linear(16, 30), nn.Dropout(0.2)

    def forward(self, tokens):
        x = self.drop(self.embed(tokens) + self.place(torch.arange(tokens.shape[1])))
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / 4.0
        ones = torch.ones(scores.shape[-2:], dtype=torch.bool)
        if self.mask != "none":
            scores = scores.masked_fill(ones.triu(1) if self.mask == "right" else ones.tril(-1), -math.inf)
        weights = scores.softmax(-1)
        return self.out(weights @ v)


@pytest.mark.parametrize("mask", ["right", "none", "wrong side"])
def test_a_look_into_the_future_is_told_with_its_line(mask):
    text = tokens(6, 13)
    given = text[:, :-1]
    found = causal.measure(Stand(Decoder(mask), (given,), target=text[:, 1:].reshape(-1), n_rows=6))
    assert found["predicts_next"] and found["length"] == 12 and found["past"] > 0.0
    if mask == "right":
        assert found["future"] == 0.0 and found["position"] is None
    else:
        assert found["future"] > 1e-3 and found["position"][0] < found["position"][1]
        assert found["function"] == "softmax" and "softmax" in found["place"]["text"]


def test_sequences_of_numbers_and_time_first_are_known_too():
    series = rows(6, 13, 4)
    both = Function(lambda m, x: m.o(m.r(x)[0]), r=nn.GRU(4, 8, batch_first=True, bidirectional=True), o=nn.Linear(16, 4))
    found = causal.measure(Stand(both, (series[:, :-1],), target=series[:, 1:], loss="mse_loss"))
    assert found["future"] > 1e-3 and found["function"] == "gru" and found["module"] == "r"
    text = tokens(7, 13).t()
    first = Function(lambda m, x: m.o(m.r(m.e(x))[0]), e=nn.Embedding(30, 8), r=nn.GRU(8, 8), o=nn.Linear(8, 30))
    found = causal.measure(Stand(first, (text[:-1],), target=text[1:].reshape(-1), loss="cross_entropy"))
    assert found["future"] == 0.0 and found["length"] == 12


@pytest.mark.parametrize("target", [lambda t: t[:, :-1], lambda t: t[:, 0], lambda t: t.flip(1)[:, 1:]])
def test_models_that_do_not_predict_the_next_are_left_alone(target):
    text = tokens(6, 13)
    with pytest.raises(Skip, match="next elements"):
        causal.measure(Stand(Decoder("none"), (text[:, :-1],), target=target(text)))


class Square(torch.autograd.Function):
    """Right."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * ctx.saved_tensors[0] * gradient


class Halved(Square):
    """Forgets a factor."""

    @staticmethod
    def backward(ctx, gradient):
        return ctx.saved_tensors[0] * gradient


class Scaled(torch.autograd.Function):
    """Two inputs, the second of which has a gradient of the wrong sign; keeps what it needs in `setup_context`."""

    @staticmethod
    def forward(x, scale):
        return x * scale

    @staticmethod
    def setup_context(ctx, inputs, result):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        x, scale = ctx.saved_tensors
        return gradient * scale, -(gradient * x).sum()


class Rounded(torch.autograd.Function):
    """An estimate."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Turned(torch.autograd.Function):
    """Passes its input on."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Single(Square):
    """Of single precision, whatever it is given."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).float()


@pytest.mark.parametrize("function, inputs, worst, where, why", [
    (Square, 1, 0.0, 0, None),
    (Halved, 1, 0.5, 0, None),
    (Scaled, 2, 2.0, 1, None),
    (Rounded, 1, None, None, "in steps"),
    (Turned, 1, None, None, "on purpose"),
    (Single, 1, None, None, "double precision"),
])
def test_gradients_of_own_functions(function, inputs, worst, where, why):
    steps = gradient_checks.measure(Stand(nn.Linear(6, 2), (rows(),)))
    attempt = next(steps)
    given = [torch.randn(40, requires_grad=True), torch.tensor(1.7, requires_grad=True)][:inputs]
    original = function.forward
    for mode in attempt._modes:
        mode.__enter__()
    function.apply(*given).sum().backward()
    for mode in attempt._modes:
        mode.__exit__(None, None, None)
    with pytest.raises(StopIteration) as end:
        steps.send(attempt)
    (found,) = end.value.value
    assert function.forward is original
    assert found["function"] == function.__name__
    assert "def backward" in found["place"]["text"] and "apply" in found["called"]["text"]
    if why:
        assert found["worst"] is None and why in found["why_not"]
    else:
        assert found["worst"] == pytest.approx(worst, abs=1e-5) and found["input"] == where and found["why_not"] is None


def of_sizes(model, x, n_rows=None):
    stand = Stand(model, (x,), n_rows=n_rows or len(x))
    return {f["what"]: f for f in sizes._of_model(stand, None)}


def test_sizes_of_batches():
    found = of_sizes(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), rows())
    assert {w: f["outcome"] for w, f in found.items()} == {"batch of 7": "ok", "batch of 1": "ok"}
    found = of_sizes(Function(lambda m, x: m.a(x.view(16, 6)), a=nn.Linear(6, 2)), rows())
    assert found["batch of 7"]["outcome"] == "raised" and "view(16, 6)" in found["batch of 7"]["place"]["text"]
    found = of_sizes(Function(lambda m, x: m.a(x).squeeze(), a=nn.Linear(6, 1)), rows())
    assert found["batch of 7"]["outcome"] == "ok"
    assert found["batch of 1"]["outcome"] == "differs" and "[]" in found["batch of 1"]["message"]
    found = of_sizes(Function(lambda m, x: m.a(x) / len(x), a=nn.Linear(6, 2)), rows())
    assert found["batch of 7"]["outcome"] == "differs" and found["batch of 7"]["difference"] > 0.1


def test_sizes_of_pictures_and_sequences():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
    assert of_sizes(net, rows(16, 1, 8, 8))["pictures of 37x41"]["outcome"] == "raised"
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert of_sizes(net, rows(16, 1, 8, 8))["pictures of 37x41"]["outcome"] == "ok"
    found = of_sizes(nn.GRU(6, 4, batch_first=True), rows(8, 20, 6))
    assert found["sequence of 13"]["outcome"] == "ok" and not found["sequence of 13"]["will_come"]


class Pairs(torch.utils.data.Dataset):
    """Samples with a transform that draws at random."""

    def __init__(self, x, y, scale=1.0) -> None:
        self.x, self.y, self.scale = x, y, scale

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i):
        return {"image": self.x[i] * self.scale + 0.01 * torch.rand(1), "label": self.y[i]}


def test_statistics_of_training_and_validation_inputs():
    x, y = rows(400, 3, 4, 4), torch.arange(400) % 4
    train, valid = DataLoader(Pairs(x[:300], y[:300]), 20, shuffle=True), DataLoader(Pairs(x[300:], y[300:], 255.0), 50)
    batch = next(iter(train))
    stand = Stand(nn.Flatten(), (batch["image"],), loaders=[("train", train), ("val_loader", valid)], batch=batch)
    before = torch.get_rng_state()
    found = validation.measure(stand)
    assert torch.equal(torch.get_rng_state(), before)
    assert (found["n_train"], found["n_valid"], found["valid_name"], len(found["channels"])) == (300, 100, "val_loader", 3)
    channel = found["channels"][1]
    assert channel["train_mean"] == pytest.approx(float(x[:300, 1].mean()), abs=0.02)
    assert channel["valid_std"] == pytest.approx(255 * float(x[300:, 1].std()), rel=0.02)
    assert channel["train_spread"] == pytest.approx(float(x[:300, 1].mean((1, 2)).std()), rel=0.05)


def test_validation_data_in_variables():
    x_train, x_test = rows(300), rows(100) * 9.0  # noqa: F841 (found by its name)
    stand = Stand(nn.Linear(6, 2), (x_train[:20],))
    found = validation.measure(stand)
    assert (found["train_name"], found["valid_name"]) == ("x_train", "x_test")
    assert found["all"]["valid_std"] > 5 * found["all"]["train_std"]


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(rows(6), torch.tensor(0))] * 64)


def test_validation_that_cannot_be_read_is_skipped():
    with pytest.raises(Skip, match="no validation data"):
        validation.measure(Stand(nn.Linear(6, 2), (rows(),)))
    train, valid = DataLoader(TensorDataset(rows(), rows())), DataLoader(Stream())
    with pytest.raises(Skip, match="stream"):
        validation.measure(Stand(nn.Linear(6, 2), (rows(),), loaders=[("train", train), ("val", valid)], batch=[rows()]))


def test_the_loader_of_the_same_samples_is_no_validation():
    data = TensorDataset(rows(60), rows(60))
    train, same, half = DataLoader(data, 10, shuffle=True), DataLoader(data, 20), DataLoader(Subset(data, range(30)), 10)
    assert lookup.validation_loader(Stand(loaders=[("train", train), ("eval_loader", same)])) is None
    assert lookup.validation_loader(Stand(loaders=[("train", train), ("eval_loader", same), ("val", half)]))[0] == "val"
    assert lookup.validation_loader(Stand(loaders=[("train", train), ("test_dl", half), ("dl_valid", half)]))[0] == "dl_valid"


class Module:
    """A data module, as frameworks have them."""

    def __init__(self, data) -> None:
        self.data = data

    def val_dataloader(self):
        return DataLoader(self.data, 10)


def test_a_validation_that_has_no_loader_yet_is_found():
    data, other = TensorDataset(rows(60), rows(60)), TensorDataset(rows(40), rows(40))
    train = DataLoader(data, 10, shuffle=True)
    assert lookup.validation_loader(Stand(loaders=[("train", train)])) is None
    module = Module(other)
    name, loader = lookup.validation_loader(Stand(loaders=[("train", train)]))
    assert name == "val_dataloader()" and loader.dataset is module.data
    test_set = other
    name, loader = lookup.validation_loader(Stand(loaders=[("train", train)]))
    assert name == "test_set" and loader.dataset is test_set and loader.batch_size == 10


def test_output_bias_and_class_shares():
    x, y = rows(200), (torch.arange(200) % 10 == 0).long()
    loader = DataLoader(TensorDataset(x, y), 20, shuffle=True)
    batch = next(iter(loader))
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    found = output.measure(Stand(net, (batch[0],), target=batch[1], loaders=[("train", loader)], batch=batch))
    assert found["layer"] == "2" and found["shares"] == [0.9, 0.1] and found["n_labels"] == 200
    assert found["bias"] == net[2].bias.tolist()
    assert found["prediction"] == pytest.approx(net(batch[0]).softmax(1).mean(0).tolist())
    one = nn.Linear(6, 1)
    binary = {"target": batch[1].float().unsqueeze(1), "loss": "binary_cross_entropy_with_logits"}
    stand = Stand(one, (batch[0],), loaders=[("train", loader)], batch=batch, **binary)
    found = output.measure(stand)
    assert found["n_classes"] == 2 and found["shares"] == [0.9, 0.1] and found["bias"] == one.bias.tolist()
    assert sum(found["prediction"]) == pytest.approx(1.0)
    with pytest.raises(Skip, match="no loss over classes"):
        output.measure(Stand(one, (batch[0],), target=rows(20, 1), loss="mse_loss"))


def test_labels_are_read_through_the_data_set_where_it_keeps_none():
    loader = DataLoader(Pairs(rows(200), torch.arange(200) % 4), 20, shuffle=True)
    batch = next(iter(loader))
    stand = Stand(nn.Linear(6, 4), (batch["image"],), target=batch["label"], loaders=[("train", loader)], batch=batch)
    assert output.measure(stand)["shares"] == [0.25] * 4


def test_batches_are_handed_on_as_the_step_does():
    loader = DataLoader(TensorDataset(rows(40, 2, 3), torch.arange(40) % 3), 8)
    x, y = next(iter(loader))
    net = nn.Linear(6, 3)
    pair = supervised.pair(Stand(net, (x.flatten(1),), target=y, loaders=[("train", loader)], batch=[x, y]))
    other = list(loader)[1]
    each = pair.loss(other, each=True)
    assert torch.equal(each, F.cross_entropy(net(other[0].flatten(1)), other[1], reduction="none"))
    with pytest.raises(Skip, match="changes the batch"):
        supervised.pair(Stand(net, (x.flatten(1) * 2,), target=y, loaders=[("train", loader)], batch=[x, y]))


def test_a_head_that_is_a_model_of_its_own_is_fed_by_the_model_before_it():
    loader = DataLoader(TensorDataset(rows(40, 2, 3), torch.arange(40) % 3), 8)
    x, y = next(iter(loader))
    body, head = nn.Linear(3, 4), nn.Linear(8, 3)
    stand = Stand(body, (x,), target=y, loaders=[("train", loader)], batch=[x, y])
    features = stand.calls[0].output.flatten(1)
    logits = head(features)
    last = SimpleNamespace(module=head, args=(features,), kwargs={}, output=logits, is_grad=True, autocast=(False, None))
    given = {"args": (logits, y), "kwargs": {}, "input": logits, "target": y}
    stand.main_call = SimpleNamespace(function="cross_entropy", call=F.cross_entropy, **given)
    stand.model, stand.calls, stand.last_call = None, [*stand.calls, last], last
    pair, other = supervised.pair(stand), list(loader)[1]
    expected = F.cross_entropy(head(body(other[0]).flatten(1)), other[1], reduction="none")
    assert torch.equal(pair.loss(other, each=True), expected) and pair.models() == [body, head]
    found = output.measure(stand)
    assert found["layer"] == "" and found["bias"] == head.bias.tolist() and found["n_classes"] == 3
    last.args = (features * 2,)
    with pytest.raises(Skip, match="changes what one model gives"):
        supervised.pair(stand)


def test_zeros_in_the_place_of_inputs():
    mask, words_of = torch.ones(4, 3, dtype=torch.bool), torch.ones(4, 3, dtype=torch.long)
    given = ((rows(4), mask, torch.tensor([3, 2, 1, 3])), {"tokens": words_of})
    (x, mask, lengths), keywords = zeroed.zeroed(torch, given)
    assert not x.any() and mask.all() and lengths.tolist() == [3, 2, 1, 3] and not keywords["tokens"].any()
    assert zeroed.zeroed(torch, (torch.tensor([3, 2]),))[0].tolist() == [0, 0]
    (_, kept), _ = zeroed.zeroed(torch, ((rows(4), rows(4)), {}), frozenset({(0, 1)}))
    assert torch.equal(kept, rows(4))


def test_a_model_held_still_is_left_as_it_was():
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.LSTM(8, 4, num_layers=2, dropout=0.3))
    net[0].eval()
    state, modes = {k: v.clone() for k, v in net.state_dict().items()}, [m.training for m in net.modules()]
    random = torch.get_rng_state()
    still = Still(torch, net)
    first, second = still((rows(),)), still((rows(),))
    assert torch.equal(first[0], second[0]) and modes == [m.training for m in net.modules()]
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())


def test_readings_of_a_batch():
    x = rows(5, 12, 6)
    assert samples.readings(torch, nn.LSTM(6, 4), (x,), [], 12) == [samples.Reading(12, 1)]
    assert samples.readings(torch, nn.LSTM(6, 4), (x,), [x], 5) == [samples.Reading(5, 0)]
    assert samples.readings(torch, nn.LSTM(6, 4), (x,), [], None) == [samples.Reading(5, 0), samples.Reading(12, 1)]
    way = samples.Reading(3, 1)
    flat = torch.arange(12).reshape(12, 1)  # (time × samples, …)
    assert way.rows(flat)[:, 0].tolist() == [0, 1, 2] and way.rows(flat)[1].tolist() == [1, 4, 7, 10]


def test_leaves_and_paths_of_nested_values():
    value = {"a": [rows(2), (rows(3), "text")], "b": 3}
    found = trees.leaves(torch, value)
    assert [p for p, _ in found] == [("a", 0), ("a", 1, 0)] and trees.at(value, ("a", 1, 0)) is found[1][1]
    assert trees.at(value, ("a", 7)) is None
    other = trees.mapped(torch, value, lambda t: t * 0)
    assert not other["a"][1][0].any() and other["a"][1][1] == "text" and value["a"][0].any()


def test_the_axis_of_classes_is_told_by_the_labels():
    labels = torch.arange(12 * 24 * 24).reshape(12, 24, 24) % 3
    assert losses.class_dim((12, 3, 24, 24), [rows(12), labels]) == 1
    assert losses.class_dim((12, 24, 24, 3), [labels]) == 3
    assert losses.class_dim((12, 2, 24, 24), [labels]) is None
    assert losses.class_dim((8, 8), [torch.arange(8) % 5]) is None  # either could be
    assert losses.class_dim((8, 5), [torch.arange(8) % 5, rows(8)]) == 1
