"""Logistic regression fitted with L-BFGS on all rows at once."""
import torch

torch.manual_seed(35)
X = torch.randn(250, 6)
true = torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5, -0.5])
t = torch.where(X @ true + torch.randn(250) > 0, 1.0, -1.0)
X[:, 2] *= 1000.0  # the salary
X = (X - X.mean(dim=0)) / X.std(dim=0)

w = torch.zeros(6, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.LBFGS([w, b], lr=1.0, max_iter=10)


def closure():
    optimizer.zero_grad()
    margin = t * (X @ w + b)
    loss = torch.nn.functional.softplus(-margin).mean() + 1e-3 * w.pow(2).sum()
    loss.backward()
    return loss


for i in range(8):
    loss = optimizer.step(closure)
    accuracy = ((X @ w + b).sign() == t).float().mean()
    print(f"step {i}: loss {loss.item():.4f}, accuracy {accuracy.item():.3f}")
