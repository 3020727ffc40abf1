"""Node classification: one dense adjacency matrix, one step an epoch, masks by rows."""
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(42)
N, CLASSES, WORDS = 600, 5, 200


def citation_graph():
    labels = torch.randint(CLASSES, (N,))
    likely = torch.where(labels[:, None] == labels, 0.03, 0.004)
    adjacency = torch.triu(torch.rand(N, N) < likely, 1).float()
    adjacency = adjacency + adjacency.T + torch.eye(N)
    topics = torch.rand(CLASSES, WORDS) * 0.04
    features = (torch.rand(N, WORDS) < topics[labels] + 0.01).float()
    return adjacency / adjacency.sum(1, keepdim=True), features / features.sum(1, keepdim=True).clamp(min=1), labels


class GraphConvolution(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return adj @ (x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = GraphConvolution(WORDS, 16), GraphConvolution(16, CLASSES)

    def forward(self, x, adj):
        x = F.relu(self.first(x, adj))
        x = F.dropout(x, 0.5, training=self.training)
        return F.log_softmax(self.second(x, adj), dim=1)


adjacency, features, labels = citation_graph()
train_rows, val_rows, test_rows = torch.arange(140), torch.arange(200, 350), torch.arange(350, 600)
model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(150):
    model.train()
    optimizer.zero_grad()
    output = model(features, adjacency)
    loss = F.nll_loss(output[train_rows], labels[train_rows])
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        output = model(features, adjacency)
        val_loss = F.nll_loss(output[val_rows], labels[val_rows])
    if epoch % 30 == 29:
        accuracy = (output[val_rows].argmax(1) == labels[val_rows]).float().mean()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} val_loss {val_loss.item():.4f} accuracy {accuracy.item():.4f}")
print("test", round((output[test_rows].argmax(1) == labels[test_rows]).float().mean().item(), 4))
