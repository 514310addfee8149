"""One recipe made ready to train: its network, optimizer, data and randomness."""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from autocls.data import ImageData
from autocls.errors import NotApplicable, TrialFailed
from autocls.recipe import Recipe
from autocls.training import batches, network, team
from autocls.training.inference import predict, views
from autocls.training.numerics import Numerics, choose
from autocls.training.optimisation import hold_statistics, parameter_groups
from autocls.training.state import State, chance, copied, origin, set_chance
from autocls.training.teacher import answers


class Session:
    """What a recipe trains with: built once, stepped batch by batch; in a team, by all its devices alike.

    The seed decides initial weights, order and augmentation. ``numerics`` are chosen unless given. Raises NotApplicable
    when a trick has no place in this network or makes no sense for such data, TrialFailed when warm-up takes all the
    epochs, and what asking a teacher raises.
    """

    def __init__(
        self, recipe: Recipe, data: ImageData, seed: int, device: torch.device, numerics: Numerics | None = None
    ) -> None:
        for slot, reason in recipe.conflicts().items():
            raise TrialFailed(reason) if slot == "warmup" else NotApplicable(reason)
        for reason in recipe.unfit(multilabel=data.multilabel).values():
            raise NotApplicable(reason)
        torch.manual_seed(seed)
        self.recipe = recipe
        self._seed = seed
        self._origin = origin(recipe, data, seed)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.model = network.build(recipe, len(data.classes), data.images.shape[1]).to(device)
        self.tensors = batches.Tensors.of(data, device)
        self.part = torch.as_tensor(data.split.train, device=device)
        self._trainable = [p for p in self.model.parameters() if p.requires_grad]
        self._frozen = False
        full, rest = divmod(len(self.part), recipe.batch_size)
        steps = recipe.epochs * (full + (rest > 1))  # a last batch of one image is left out
        shape = torch.Size((math.ceil(recipe.batch_size / team.size()), *data.images.shape[1:]))
        self.numerics = team.agree(
            numerics or choose(self.model, shape, device, steps, one_size=recipe.progressive is None)
        )
        self._sample = torch.zeros(2, *shape[1:], device=device)
        self._start()
        self._average = recipe.averaging.follow(self.model, steps) if recipe.averaging else None
        self._soft = recipe.distill.soft(answers(recipe.distill, data, self.tensors)) if recipe.distill else None
        self._class_weights = self._weights_of_classes(len(data.classes)) if recipe.class_weights else None
        self._head = network.head(self.model, len(data.classes))

    def _weights_of_classes(self, classes: int) -> torch.Tensor:
        assert self.recipe.class_weights is not None, "asked only where there are some"
        counts = self.tensors.labels[self.part].bincount(minlength=classes)
        return self.recipe.class_weights.weights(counts)

    @property
    def answering(self) -> nn.Module:
        """The network that is validated and kept."""
        return self._average.module if self._average else self.model

    def order(self) -> list[torch.Tensor]:
        """The next epoch's batches, as indices."""
        return batches.order(self.recipe, self.tensors, self.part, self.generator)

    def begin(self, epoch: int) -> None:
        """Make the network ready for an epoch, counted from 1."""
        frozen = self.recipe.freeze is not None and self.recipe.freeze.frozen(epoch)
        if frozen != self._frozen:
            self._frozen = frozen
            for parameter in self._trainable:
                parameter.requires_grad_(not frozen)
            self._head.requires_grad_(True)
            self._start()
        self.model.train()
        if frozen:
            hold_statistics(self.model)
        team.seed(self._seed, epoch)

    def _start(self) -> None:
        """Train what isn't frozen now; by a new optimizer, so that nothing frozen has momentum and all count steps."""
        recipe = self.recipe
        self.optimizer = recipe.optimizer.build(parameter_groups(self.model, recipe.weight_decay, recipe.layer_decay))
        scale = recipe.lr_scaling.factor(recipe.batch_size) if recipe.lr_scaling else 1.0
        self.rates = [group["lr"] * group.get("lr_scale", 1.0) * scale for group in self.optimizer.param_groups]
        self._trained = self.numerics.trained(team.shared(self.model, self._sample))

    def batch(self, index: torch.Tensor, progress: float) -> batches.Batch:
        """The training batch of the images at ``index``, at ``progress`` (0..1) of the training."""
        return next(self.stream([index], [progress]))

    def stream(self, order: Sequence[torch.Tensor], progress: Sequence[float]) -> Iterator[batches.Batch]:
        """The training batch of the images at each of ``order``'s indices, at its ``progress`` (0..1) of the training.

        Each device of a team makes the whole batch, so that it is the one that a single device makes, and takes its
        share. Random numbers are drawn as a batch is asked for.
        """
        for index, at, images in zip(order, progress, self.tensors.floats(order), strict=True):
            soft = None if self._soft is None else self._soft[index]
            labels = self.tensors.labels[index]
            yield batches.augmented(self.recipe, self.tensors, images, labels, self.generator, at, soft).shared()

    def loss(self, batch: batches.Batch) -> torch.Tensor:
        """The batch's loss, a scalar; the mean over a team's devices is the whole batch's."""
        logits = self.numerics.answer(self._trained, batch.images)
        loss = self._hard(logits, batch.targets)
        if self.recipe.distill is not None and batch.soft is not None:
            loss = self.recipe.distill.compute(loss, logits, batch.soft)
        return loss * batch.weight

    def _hard(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of the labels, a scalar: the mean over the images, each weighted as its classes are."""
        compute = self.recipe.loss.compute
        if self._class_weights is None:
            return compute(logits, targets)
        each = torch.vmap(compute)(logits[:, None], targets[:, None])  # the loss of a batch of one image is the image's
        return (each * (targets @ self._class_weights)).mean()

    def step(self, batch: batches.Batch, factor: float) -> torch.Tensor:
        """One step of the optimizer at ``factor`` of its rates; the loss before it, detached."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        loss = self.loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if self.recipe.clip is not None:
            self.recipe.clip.apply(self.model.parameters())
        self.optimizer.step()
        if self._average:
            self._average.update(self.model)
        return loss.detach()

    def state(self) -> State:
        """A copy, on the CPU, of what ``restore`` needs to go on from between two epochs."""
        return self._origin | {
            "numerics": asdict(self.numerics),
            "model": copied(self.model.state_dict()),
            "average": copied(self._average.state_dict()) if self._average else None,
            "optimizer": copied(self.optimizer.state_dict()),
            "generator": self.generator.get_state(),
            "chance": chance(self.generator.device),
        }

    def restore(self, state: State, epoch: int) -> None:
        """Go on from ``state``, which a session of the same recipe, data and seed was in after ``epoch``."""
        self.begin(epoch)  # what was frozen then decides which optimizer the state is of
        self.model.load_state_dict(state["model"])
        if self._average:
            self._average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # which would share the state's tensors
        self.generator.set_state(state["generator"])
        set_chance(state["chance"], self.generator.device)

    def answers(self, part: np.ndarray) -> torch.Tensor:
        """N×K logits of a part's images."""
        team.level(self.answering.buffers())  # BatchNorm's statistics are those of a device's own images
        mine = part[team.share(len(part)).rows]
        logits = predict(self.answering, batches.evaluation(self.tensors, mine), views(self.recipe), self.numerics)
        return team.gather(logits, len(part))
