"""One net, two tasks: the species of a plant and its weight in grams."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TwoTasks(nn.Module):
    def __init__(self, n_in=16, width=64, n_species=4):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.species = nn.Linear(width, n_species)
        self.weight = nn.Linear(width, 1)

    def forward(self, x):
        h = self.shared(x)
        return self.species(h), self.weight(h).squeeze(1)


def plants(n, generator):
    x = torch.randn(n, 16, generator=generator)
    species = (x[:, 0] > 0).long() * 2 + (x[:, 1] * x[:, 2] > 0).long()
    grams = 900 + 400 * x[:, 3] + 200 * x[:, 4] * x[:, 5] + 30 * torch.randn(n, generator=generator)
    return x, species, grams


def main():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    train = TensorDataset(*plants(3000, generator))
    val_x, val_species, val_grams = plants(600, generator)
    model = TwoTasks()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    species_loss_fn, weight_loss_fn = nn.CrossEntropyLoss(), nn.MSELoss()
    for epoch in range(12):
        model.train()
        for x, species, grams in DataLoader(train, batch_size=64, shuffle=True):
            species_logits, predicted = model(x)
            species_loss = species_loss_fn(species_logits, species)
            weight_loss = weight_loss_fn(predicted, grams)
            loss = species_loss + weight_loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits, predicted = model(val_x)
            val_loss = species_loss_fn(logits, val_species) + weight_loss_fn(predicted, val_grams)
            accuracy = (logits.argmax(1) == val_species).float().mean()
        print(f"epoch {epoch}: species {species_loss.item():.4f} weight {weight_loss.item():.4f} "
              f"val {val_loss.item():.4f} accuracy {accuracy.item():.3f}")


if __name__ == "__main__":
    main()
