"""The measuring kernels against PyTorch, and the run log."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch
from stetho import _core

CODES = {torch.float32: 0, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3}


def statistics(tensor: torch.Tensor, histogram: bool = False) -> _core.Statistics:
    return _core.statistics(
        tensor.data_ptr(), CODES[tensor.dtype], tuple(tensor.shape), tensor.stride(), histogram, whole=True)


def tensors():
    """Tensors of every dtype and many layouts."""
    generator = torch.Generator().manual_seed(0)
    for dtype in CODES:
        dense = (torch.randn(5, 7, 64, 33, generator=generator) * 3 + 0.5).to(dtype)
        dense[torch.rand(dense.shape, generator=generator) < 0.1] = 0
        yield dense
        yield dense.permute(0, 2, 3, 1)
        yield dense.to(memory_format=torch.channels_last)
        yield dense[:, ::2, 3:40, ::3]
        yield dense.transpose(0, 3)[4:]
        yield dense[0, 0, 0, :1].expand(6, 4, 1)
        yield dense[2, 3, 4, 5]
        yield torch.empty(0, 3, dtype=dtype)
        yield (torch.randn(300_001, generator=generator) * 1e-3).to(dtype)


@pytest.mark.parametrize("histogram", [False, True])
def test_statistics_are_those_of_torch(histogram: bool):
    for tensor in tensors():
        found = statistics(tensor, histogram)
        wide = tensor.double()
        assert (found.n, found.n_nan, found.n_inf) == (wide.numel(), 0, 0)
        assert found.n_zero == int((wide == 0).sum())
        if wide.numel() == 0:
            assert math.isnan(found.min) and math.isnan(found.mean) and found.l2 == 0
            continue
        assert (found.min, found.max) == (float(wide.min()), float(wide.max()))
        error = 1e-9 if tensor.dtype == torch.float64 else 1e-6
        spread = float(wide.std(correction=0))
        assert found.mean == pytest.approx(float(wide.mean()), rel=1e-12, abs=error * spread)
        assert found.variance == pytest.approx(spread**2, rel=4 * error)
        assert found.l1 == pytest.approx(float(wide.abs().sum()), rel=error)
        assert found.l2 == pytest.approx(float(wide.norm()), rel=4 * error)
        if histogram:
            assert found.n_counted == found.n == sum(count for _, _, count in found.histogram)
            assert found.histogram[0][0] <= found.min and found.histogram[-1][1] >= found.max


def test_what_is_not_finite_is_counted_and_left_out():
    for tensor in tensors():
        spoiled = tensor.contiguous().clone()
        if spoiled.numel() < 9:
            continue
        flat = spoiled.view(-1)
        flat[3], flat[5], flat[-1] = math.nan, math.inf, -math.inf
        found = statistics(spoiled, True)
        finite = spoiled[spoiled.isfinite()].double()
        assert (found.n_nan, found.n_inf) == (1, 2)
        assert found.mean == pytest.approx(float(finite.mean()), rel=1e-6, abs=1e-6)
        assert sum(count for _, _, count in found.histogram) == finite.numel()


def test_bins_hold_what_lies_between_their_ends():
    tensor = torch.randn(50_000, generator=torch.Generator().manual_seed(1)) * 1e-4
    for low, high, count in statistics(tensor, True).histogram:
        assert int(((tensor >= low) & (tensor <= high)).sum()) == count


def test_rows_are_those_of_torch():
    generator = torch.Generator().manual_seed(2)
    for dtype in CODES:
        tensor = torch.randn(40, 3, 17, generator=generator).to(dtype)
        tensor[torch.rand(tensor.shape, generator=generator) < 0.01] = math.inf
        tensor[7, 1, 2] = math.nan
        for view in (tensor, tensor.transpose(0, 2), tensor[::3, :, 1:], tensor[:, 0, 0]):
            found = _core.non_finite_rows(view.data_ptr(), CODES[dtype], tuple(view.shape), view.stride())
            expected = (~view.isfinite()).reshape(view.shape[0], -1).any(1).nonzero().view(-1).tolist()
            assert found == expected
    one = torch.tensor(math.nan)
    assert _core.non_finite_rows(one.data_ptr(), 0, (), ()) == [0]
    assert _core.non_finite_rows(0, 0, (0, 3), (3, 1)) == []


def test_sums_of_squares_are_those_of_torch():
    generator = torch.Generator().manual_seed(3)
    for dtype, code in CODES.items():
        arrays = [torch.randn(n, generator=generator).to(dtype) for n in (1, 31, 1000, 600_000, 0)]
        pointers = [a.data_ptr() or 8 for a in arrays]
        lengths = [a.numel() for a in arrays]
        expected = sum(float((a.double() ** 2).sum()) for a in arrays)
        total, is_finite = _core.square_sum(pointers, lengths, code)
        assert is_finite and total == pytest.approx(expected, rel=1e-10)
        norm = _core.Norm(lengths, code)
        assert norm.of_tensors(arrays) == (total, True)
        parameters = [torch.nn.Parameter(torch.zeros_like(a)) for a in arrays]
        for parameter, array in zip(parameters, arrays):
            parameter.grad = array
        parameters[1].grad = None
        without, is_finite = norm.of_gradients(parameters)
        assert is_finite and without == pytest.approx(expected - float((arrays[1].double() ** 2).sum()), rel=1e-9)
        arrays[2][999] = math.nan
        assert norm.of_tensors(arrays)[1] is False and norm.of_gradients(parameters)[1] is False


def test_tensors_that_do_not_lie_in_one_piece_are_not_read():
    norm = _core.Norm([6], 0)
    assert norm.of_tensors([torch.ones(6)]) == (6.0, True)
    assert norm.of_tensors([torch.ones(12)[::2]]) is None
    assert norm.of_tensors([torch.ones(5)]) is None
    parameter = torch.nn.Parameter(torch.zeros(2, 3))
    parameter.grad = torch.ones(3, 2).t()
    assert norm.of_gradients([parameter]) is None
    embedding = torch.nn.Embedding(2, 3, sparse=True)
    embedding(torch.tensor([1])).sum().backward()
    assert norm.of_gradients([embedding.weight]) is None
    for other in (torch.ones(6).double(), torch.ones(6, device="meta"), torch.ones(1).expand(6), None, "words"):
        assert norm.of_tensors([other]) is None
    if hasattr(torch.Tensor, "__dlpack_c_exchange_api__"):  # an older PyTorch says how wide its numbers are, no more
        assert norm.of_tensors([torch.ones(6, dtype=torch.int32)]) is None
    assert norm.of_tensors([torch.ones(8)[2:]]) == (6.0, True)


def test_tensors_without_memory_are_not_read():
    norm = _core.Norm([6], 0)
    seen = []
    torch.func.grad(lambda x: seen.append(norm.of_tensors([x])) or x.sum())(torch.ones(6))
    assert seen == [None]

    class Wrapper(torch.Tensor):
        @staticmethod
        def __new__(cls, inner):
            return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

        @classmethod
        def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
            raise NotImplementedError

    assert norm.of_tensors([Wrapper(torch.ones(6))]) is None


def test_tensors_that_are_held_are_copied_until_one_is_replaced_or_moved():
    held = {"mean": torch.zeros(3), "count": torch.tensor(4), "none": None}
    copies = _core.Held([held], [held["mean"], held["count"]], [12, 8])
    assert copies.take()
    held["mean"] += 1
    held["count"] += 1
    copies.restore()
    assert held["mean"].sum() == 0 and held["count"] == 4
    assert copies.take()
    mean = held["mean"]
    mean.data = torch.ones(3)
    assert not copies.take()
    held["mean"] = torch.zeros(3)
    again = _core.Held([held], [held["mean"]], [12])
    assert again.take()
    held["more"] = torch.zeros(1)
    assert not again.take()
    del held["more"], held["none"]
    assert not again.take()
    held["none"] = None
    assert again.take()
    held["mean"] = held["mean"].clone()
    assert not again.take()
    with pytest.raises(ValueError):
        _core.Held([], [torch.ones(1)], [])


def test_samples_are_counted_as_they_are_drawn():
    drawn = _core.Drawn(5, 8)
    assert drawn.draw([0, 1, 3], -2) == (1, 3)
    assert drawn.draw((4, 4), 3) == (1, 4)
    assert (drawn.n_distinct, drawn.n_drawn) == (4, 5)
    assert drawn.has(3) and not drawn.has(2) and drawn.has(-1)
    assert drawn.draw(iter([5]), 4) == (1, 5)
    with pytest.raises(IndexError, match="no sample 8 in a data set of 6"):
        drawn.draw([8], 4)
    assert not drawn.has(7)


def _noise(i: int) -> float:
    return 1.0 + (i * 37 % 11) / 110.0


def test_a_jump_beyond_the_noise_is_a_spike_and_is_not_counted():
    spikes = _core.Spikes()
    assert all(spikes.see(_noise(i)) is None for i in range(100))
    level, swing = spikes.see(50.0)
    assert 1.0 <= level < 1.1 and 0.0 < swing < 0.1
    assert spikes.see(50.0) is not None and spikes.see(_noise(7)) is None


def test_early_jumps_steady_growth_and_jumps_without_noise_are_no_spikes():
    early, growing, still = _core.Spikes(), _core.Spikes(), _core.Spikes()
    assert all(early.see(_noise(i)) is None for i in range(15)) and early.see(5.0) is None
    assert all(growing.see(1.0 + i) is None for i in range(1000))
    assert all(still.see(2.0) is None for _ in range(100)) and still.see(100.0) is None


def test_large_finite_numbers_are_finite():
    single = torch.full((1000,), torch.finfo(torch.float32).max)
    total, is_finite = _core.square_sum([single.data_ptr()], [1000], 0)
    assert is_finite and math.isfinite(total)
    double = torch.full((1000,), 1e300, dtype=torch.float64)
    assert _core.square_sum([double.data_ptr()], [1000], 1) == (math.inf, True)
    assert statistics(double).n_inf == 0


def test_a_snapshot_brings_back_every_bit():
    tensors = [torch.randn(5), torch.tensor([math.nan, -0.0], dtype=torch.float64), torch.arange(3)]
    before = [t.clone() for t in tensors]
    snapshot = _core.Snapshot([t.data_ptr() for t in tensors], [t.nbytes for t in tensors])
    snapshot.take()
    for tensor in tensors:
        tensor.zero_()
    snapshot.restore()
    assert all(torch.equal(a.view(torch.uint8), b.view(torch.uint8)) for a, b in zip(tensors, before, strict=True))


def test_what_is_no_tensor_is_refused():
    for wrong in (
        lambda: _core.statistics(8, 9, (1,), (1,)),
        lambda: _core.statistics(8, 0, (1, 2), (1,)),
        lambda: _core.statistics(0, 0, (3,), (1,)),
        lambda: _core.statistics(6, 0, (3,), (1,)),
        lambda: _core.square_sum([8], [1, 2], 0),
        lambda: _core.Norm([1], 0).of_tensors([]),
        lambda: _core.Snapshot([0], [8]),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_a_run_is_logged_judged_and_reported(tmp_path: Path, capfd):
    folder = tmp_path / "run"
    log = _core.RunLog(folder)
    names = ["fc1", "fc2"]
    found = []
    # The rules are asked as often as a small share of the time allows.
    for step in range(1_000_000):
        loss = 2 / (step + 1) if step < 150 else math.nan
        layers = {"gradient_norm": (names, [0.5, 0.1]), "weight_norm": (names, [3.0, 4.0])}
        found += [json.loads(text) for text in log.log(step, {"train/loss": loss, "learning_rate": 1e-3}, layers)]
        if any(f["rule"] == "non-finite-loss" for f in found):
            break
    (finding,) = [f for f in found if f["rule"] == "non-finite-loss"]
    assert finding["severity"] == "error"
    assert "non-finite-loss" in [f["rule"] for f in json.loads(log.verdict())["findings"]]
    log.flush()
    out = tmp_path / "report.json"
    request = {"options": {"folder": str(tmp_path), "report": report(format="json", out=str(out))}}
    assert _core.finish(folder, json.dumps(request)) == 1
    document = json.loads(out.read_text())
    assert document["command"] == "run" and document["subject"]["paths"] == ["run"]
    assert "non-finite-loss" in [f["rule"] for f in document["findings"]]
    assert "<script" in (folder / "report.html").read_text()
    capfd.readouterr()
    request["options"]["report"] = report(fail_on="never")
    assert _core.finish(folder, json.dumps(request)) == 0
    output, aside = capfd.readouterr()
    assert output == "" and "non-finite-loss" in aside


def report(**given: object) -> dict[str, object]:
    return {"format": None, "out": None, "select": [], "ignore": [], "fail_on": None, "config": None, "all": False,
            "threads": 0} | given


def test_a_run_without_numbers_is_no_failure(tmp_path: Path, capfd):
    folder = tmp_path / "run"
    _core.RunLog(folder).flush()
    request = {"options": {"folder": str(tmp_path), "report": report()}}
    assert _core.finish(folder, json.dumps(request)) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are those of POSIX")
def test_a_forked_process_writes_nothing(tmp_path: Path):
    log = _core.RunLog(tmp_path)
    log.log(0, {"loss": 1.0})
    child = os.fork()
    if child == 0:
        log.log(1, {"loss": 2.0})
        log.flush()
        del log
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.flush()
    (file,) = tmp_path.glob("events.out.tfevents.*")
    size = file.stat().st_size
    log.log(1, {"loss": 2.0})
    log.flush()
    assert size < file.stat().st_size < 2 * size


def test_what_cannot_be_logged_is_refused(tmp_path: Path):
    log = _core.RunLog(tmp_path)
    with pytest.raises(ValueError, match="`width` is nothing that is measured of layers"):
        log.log(0, {}, {"width": (["a"], [1.0])})
    with pytest.raises(ValueError, match="`gradient_norm` has 1 values for 2 names"):
        log.log(0, {}, {"gradient_norm": (["a", "b"], [1.0])})
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        _core.RunLog(tmp_path / "file" / "run")
