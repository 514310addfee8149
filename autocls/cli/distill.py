"""``autocls distill``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autocls.distilling import Distillation


def command(
    teacher: Annotated[Path, typer.Argument(help="The model folder of the network to learn from.", show_default=False)],
    data: Annotated[str, typer.Argument(help="What `autocls search` takes.", show_default=False)],
    recipe: Annotated[Path, typer.Option(help="The student's recipe, a YAML file; its distill slot may say how to "
                                              "listen.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The student's model folder to write.", show_default=False)],
    seeds: Annotated[int, typer.Option(help="So many students with and as many without the teacher; fewer than 5 "
                                            "decide nothing.")] = 5,
    seed: Annotated[int | None, typer.Option(help="Decides the split. [default: as the teacher was trained]",
                                             show_default=False)] = None,
    metric: Annotated[str | None, typer.Option(help="accuracy, balanced_accuracy or macro_f1. [default: accuracy]",
                                               show_default=False)] = None,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Teach a small network what a large one knows, and say what that is worth.

    The student is trained with and without its teacher, with the same seeds and as many epochs.

    Example:

        autocls distill reports/photos-full/model photos/ --recipe small.yaml --out small
    """
    from autocls.distilling import distill

    found = distill(
        teacher, data, recipe, out, seeds=seeds, seed=seed, metric=metric, root=root, skip_bad=skip_bad,
        watch=lambda way, seed, r: typer.echo(f"seed {seed}, {way}, epoch {r.epoch}: {r.score:.2%}", err=True),
    )  # fmt: skip
    if as_json:
        effect = {name: None if value != value else value for name, value in asdict(found.effect).items()}  # no NaN
        print(json.dumps(asdict(found) | {"effect": effect, "model": str(out)}, indent=2))
    else:
        _print(found, out)


def _print(found: "Distillation", out: Path) -> None:
    from autocls.verdict.attribution import FEWEST
    from autocls.verdict.wording import count, milliseconds, percent, points, span

    sides = {"teacher": found.teacher, "student alone": found.alone, "student distilled": found.distilled}
    metric = found.metric.replace("_", " ")
    print(f"{'':18}{'parameters':>12}{'one image':>12}{metric:>20}")
    for who, side in sides.items():
        cost = side.footprint
        print(f"{who:18}{count(cost.parameters):>12}{milliseconds(cost.latency):>12}{percent(side.score):>20}")
    n = len(found.alone.scores)
    often = f"mean over {n} seed{'s' * (n > 1)}"
    print(f"\nOn {found.images:,} test images, of the students the {often}; latency on one CPU thread.")
    effect = found.effect
    interval = f"95 % interval {span(effect.low, effect.high)}, " if n > 1 else ""
    print(f"Distilled less alone: {points(effect.mean)}, {interval}n = {effect.n}, paired by seed.")
    if n < FEWEST:
        print(f"Fewer than {FEWEST} seeds decide nothing.")
    print(f"Model: {out}, the best of them on validation.")
