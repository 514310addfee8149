"""Networks: our own, and the doors to timm and torchvision."""
