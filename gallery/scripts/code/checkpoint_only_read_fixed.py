"""Train in two calls; the second one resumes."""
import argparse
import os
import tempfile

import torch
from sklearn.datasets import make_classification
from torch import nn


def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume")
    parser.add_argument("--save", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    torch.manual_seed(0)
    x, y = make_classification(3000, 20, n_informative=10, n_classes=3, random_state=2)
    x, y = torch.tensor(x / x.std(0), dtype=torch.float32), torch.tensor(y)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    first = 0
    if args.resume:
        checkpoint = torch.load(args.resume)
        first = checkpoint["epoch"]
        model.load_state_dict(checkpoint["state_dict"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        print(f"resumed {args.resume} at epoch {first}")
    generator = torch.Generator().manual_seed(first)
    for epoch in range(first, args.epochs):
        model.train()
        for rows in torch.randperm(2500, generator=generator).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[2500:]).argmax(1) == y[2500:]).float().mean()
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
    torch.save({"epoch": epoch + 1, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, args.save)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        first_file, second_file = os.path.join(folder, "a.pt"), os.path.join(folder, "b.pt")
        main(["--epochs", "5", "--save", first_file])
        main(["--epochs", "8", "--save", second_file, "--resume", first_file])
