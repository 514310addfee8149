"""Random numbers for each image of a batch, all from one seeded generator."""

import numpy as np
import torch


def uniform(images: torch.Tensor, generator: torch.Generator, low: float, high: float, *leading: int) -> torch.Tensor:
    """Numbers drawn evenly from [low, high), one an image (or ``leading``×B of them)."""
    return low + (high - low) * torch.rand(*leading, len(images), generator=generator, device=images.device)


def below(limit: int | torch.Tensor, images: torch.Tensor, generator: torch.Generator, *leading: int) -> torch.Tensor:
    """Whole numbers drawn evenly from 0 … limit - 1, one an image (or ``leading``×B of them)."""
    return (uniform(images, generator, 0, 1, *leading) * limit).long()  # 1 - 2⁻²⁴ at most, so limit itself takes 2²⁴


def dirichlet(
    alpha: float, parts: int, images: torch.Tensor, generator: torch.Generator, *leading: int
) -> torch.Tensor:
    """Shares drawn from the symmetric Dirichlet distribution: (``leading``×)B×``parts``, rows sum to 1."""
    shares = _numpy(generator).dirichlet([alpha] * parts, (*leading, len(images)))
    return torch.as_tensor(shares, dtype=images.dtype, device=images.device)


def beta(alpha: float, images: torch.Tensor, generator: torch.Generator, *leading: int) -> torch.Tensor:
    """Shares drawn from Beta(alpha, alpha), one an image (or ``leading``×B of them)."""
    shares = _numpy(generator).beta(alpha, alpha, (*leading, len(images)))
    return torch.as_tensor(shares, dtype=images.dtype, device=images.device)


def _numpy(generator: torch.Generator) -> np.random.Generator:
    """torch has no seeded Beta or Dirichlet: numpy's generator takes its seed from ours."""
    return np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
