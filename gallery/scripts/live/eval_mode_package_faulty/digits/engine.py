import torch
import torch.nn.functional as F


class Engine:
    def __init__(self, model, optimizer, validate_every=50):
        self.model = model
        self.optimizer = optimizer
        self.validate_every = validate_every
        self.step = 0
        self.history = []

    def fit(self, train_loader, val_loader, epochs):
        self.model.train()
        for epoch in range(epochs):
            for batch in train_loader:
                loss = self.training_step(batch)
                self.step += 1
                if self.step % self.validate_every == 0:
                    accuracy = self.validate(val_loader)
                    self.history.append((self.step, loss, accuracy))
                    print(f"step {self.step:4d}  loss {loss:.4f}  validation accuracy {accuracy:.4f}")

    def training_step(self, batch):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(batch["image"]), batch["digit"])
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def validate(self, loader):
        self.model.eval()
        hits = [(self.model(b["image"]).argmax(-1) == b["digit"]).float() for b in loader]
        return torch.cat(hits).mean().item()
