"""``autocls train``."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    recipe: Annotated[Path, typer.Argument(help="A recipe's YAML file.", show_default=False)],
    data: Annotated[str, typer.Argument(help="What `autocls search` takes.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The model folder to write.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Decides the split and the training's randomness.")] = 0,
    metric: Annotated[str | None, typer.Option(help="accuracy, balanced_accuracy or macro_f1; of multi-label data map "
                                                    "or macro_f1. [default: the first]", show_default=False)] = None,
    folds: Annotated[int, typer.Option(help="First score it by so many stratified folds, with an interval, which takes "
                                            "as many times as long; 0: don't.")] = 0,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")] = False,
) -> None:  # fmt: skip
    """Train one recipe on DATA and write a model folder.

    Example:

        autocls train reports/photos-quick/best_recipe.yaml photos/ --out model
    """
    import autocls
    from autocls.training.artifact import free

    free(out)
    if folds:
        typer.echo(f"{folds} folds: {folds} networks are trained to score the recipe, and one to keep", err=True)
        found = autocls.cross_validate(
            recipe, data, folds, seed=seed, metric=metric, root=root, skip_bad=skip_bad,
            watch=lambda r: typer.echo(f"epoch {r.epoch}: {r.score:.2%}, mean of the folds", err=True),
        )  # fmt: skip
        low, high = found.interval
        scores = ", ".join(f"{score:.2%}" for score in found.scores)
        print(f"{found.metric} {found.mean:.2%} by {folds} folds (95 % interval {low:.2%} to {high:.2%}): {scores}")
    classifier = autocls.train(
        recipe, data, out, seed=seed, metric=metric, root=root, skip_bad=skip_bad,
        watch=lambda r: typer.echo(f"epoch {r.epoch}: {r.score:.2%}, loss {r.loss:.3f}", err=True),
    )  # fmt: skip
    card = classifier.card
    print(
        f"{card.metric} {card.validation_score:.2%} on validation (best epoch), {card.test_score:.2%} on the test part."
    )
    print(f"Model: {out}")
