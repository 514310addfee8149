"""The samplers, which choose a search's next recipe, and the pruners, which stop trials that fall behind."""

from collections.abc import Callable

from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, QMCSampler

from autocls.errors import BadInput, unknown
from autocls.search.pruning import Asha, Paced
from autocls.search.sampling import Gp, Random, Tpe

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": Tpe,
    "random": Random,
    "qmc": lambda seed: QMCSampler(seed=seed, independent_sampler=Random(seed)),
    "gp": Gp,
}
"""By name, made with a seed."""
PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "paced": Paced,
    "asha": lambda epochs: Asha(),
    "median": lambda epochs: MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    "none": lambda epochs: NopPruner(),
}
"""By name, made with the most epochs that a trial may take."""


def check_names(sampler: str, pruner: str) -> None:
    """Raises BadInput for an unknown sampler or pruner."""
    for what, name, known in (("sampler", sampler, SAMPLERS), ("pruner", pruner, PRUNERS)):
        if name not in known:
            raise BadInput(f"--{what}: {unknown(what, name, known)}")
