"""Writes the data sets that scikit-learn ships as CSV files: export_scikit_learn.py FOLDER"""

import csv
import sys
from pathlib import Path

from sklearn import datasets

CLASSIFICATION = {"iris": datasets.load_iris, "wine": datasets.load_wine, "breast_cancer": datasets.load_breast_cancer}


def write(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(folder):
    for name, load in CLASSIFICATION.items():
        data = load()
        rows = ([*x, data.target_names[y]] for x, y in zip(data.data.tolist(), data.target))
        write(folder / f"{name}.csv", [*data.feature_names, "target"], rows)
    data = datasets.load_diabetes()
    rows = ([*x, y] for x, y in zip(data.data.tolist(), data.target.tolist()))
    write(folder / "diabetes.csv", [*data.feature_names, "target"], rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
