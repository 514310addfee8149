"""A trained network as a feature extractor: pictures become points on a sphere, near where they look alike."""

from hashlib import blake2b

import torch
import torch.nn.functional as F
from torch import nn

from autocls.deploy.answering import Answering
from autocls.recipe import Recipe
from autocls.training.network import head


class Embedding(nn.Module):
    """From uint8 B×C×S×S pixels to B×D float32 rows of length 1: what the network's last layer reads.

    The views of the recipe's ``tta`` are averaged. A row is 0 where the network finds nothing at all in a picture.
    """

    def __init__(self, answering: Answering, classes: int) -> None:
        super().__init__()
        self.answering = answering
        self._classes = classes
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        last = head(self.answering.model, self._classes)
        of_views = [F.normalize(read_by(last, self.answering.model, view)) for view in self.answering.shown(pixels)]
        return F.normalize(torch.stack(of_views).mean(dim=0))


def read_by(layer: nn.Module, model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """B×D: what ``layer`` is given when ``model`` sees ``images``; maps and tokens are averaged to one vector."""
    given = list[torch.Tensor]()
    hook = layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    try:
        model(images)
    finally:
        hook.remove()
    features = given[-1].float()
    if isinstance(layer, nn.Conv2d):  # B×D×H×W
        return features.flatten(2).mean(dim=2)
    return features.flatten(1, -2).mean(dim=1) if features.ndim > 2 else features


def identity(answering: Answering, recipe: Recipe) -> str:
    """32 hex digits that no other network or preprocessing has: embeddings compare only within one."""
    whole = blake2b(f"{recipe.tta}".encode(), digest_size=16)
    tensors = {**answering.model.state_dict(), "mean": answering.mean, "std": answering.std}
    for name, tensor in sorted(tensors.items()):
        whole.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        whole.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()
