import torch
from torch.utils.data import DataLoader

from digits import DigitNet, Engine, load

if __name__ == "__main__":
    torch.manual_seed(7)
    train_set, val_set = load()
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)
    model = DigitNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    Engine(model, optimizer).fit(train_loader, val_loader, epochs=20)
