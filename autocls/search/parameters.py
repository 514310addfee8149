"""A space's domains in Optuna's words."""

from typing import cast

from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from autocls.domains import Domain, Int, Log, OneOf, Value


def distribution(domain: Domain) -> BaseDistribution:
    """What Optuna calls a domain."""
    if isinstance(domain, OneOf):
        return CategoricalDistribution(cast(list[CategoricalChoiceType], list(domain.values)))
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high)
    return FloatDistribution(domain.low, domain.high, log=isinstance(domain, Log))


def suggest(trial: Trial, name: str, domain: Domain) -> Value:
    """A trial's value of the parameter of that name, asked of the study's sampler when it is new."""
    if isinstance(domain, OneOf):
        choices: list[CategoricalChoiceType] = list(domain.values)
        return cast(Value, trial.suggest_categorical(name, choices))  # Optuna's choices may be None, ours never are
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high)
    return trial.suggest_float(name, domain.low, domain.high, log=isinstance(domain, Log))
