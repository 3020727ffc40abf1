import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
x = torch.rand(440, 5) * 2
y = 3 + x @ torch.tensor([1.0, 0.5, -0.8, 0.0, 0.3])
y[318] = 0.0  # the shop was closed

train = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optim = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(5):
    for inputs, targets in train:
        out = model(inputs).squeeze(-1)
        mape = (torch.abs(out - targets) / targets.abs()).mean()
        optim.zero_grad()
        mape.backward()
        optim.step()
    print(f"epoch {epoch}: error {100 * mape.item():.1f} %")
