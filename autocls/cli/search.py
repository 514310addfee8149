"""``autocls search``."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autocls.cli.quantities import amount, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from autocls.search.finish import SearchResult
    from autocls.search.snapshot import Watch


def command(
    data: Annotated[str, typer.Argument(help="Folder of class folders, CSV of path,label or path,labels, .npz of x "
                                             "and y, `digits`, `torchvision:CIFAR10` and others.", show_default=False)],
    space: Annotated[str, typer.Option(help="A shipped space (`autocls spaces`) or a YAML file.")] = "quick",
    trials: Annotated[int | None, typer.Option(min=1, help="End the search after so many trials; the verdict's runs "
                                                    "come on top.", show_default=False)] = None,
    time: Annotated[str | None, typer.Option(help="End after so long: 90s, 10m, 1h30m. [default: 10m, unless --trials "
                                                  "is given]", show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of a whole trial; by default the space's.")] = None,
    out: Annotated[str | None, typer.Option(help="Output folder, or a URL where it is kept: s3://bucket/run. [default: "
                                                 "reports/DATA-SPACE]", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Decides the split, the sampler, and each trial's randomness.")] = 0,
    metric: Annotated[str | None, typer.Option(help="accuracy, balanced_accuracy or macro_f1, on the validation part; "
                                                    "of multi-label data map or macro_f1. [default: the first]",
                                               show_default=False)] = None,
    folds: Annotated[int, typer.Option(help="Score each trial by so many stratified folds: for fewer than 2,000 "
                                            "images, in as many times the time; 0: by the validation part.")] = 0,
    address: Annotated[str, typer.Option(help="Ray cluster: `local` starts one here, `auto` finds the one that this "
                                              "machine is in, HOST:PORT names its head; `inline`: in this process, "
                                              "no Ray.")] = "local",
    cpus_per_trial: Annotated[float, typer.Option(help="CPU cores that a trial takes, for each of its GPUs.")] = 1,
    gpus_per_trial: Annotated[float | None, typer.Option(help="GPUs that a trial takes, one or several, or a "
                                                              "fraction of one. [default: 1 if there is one]",
                                                         show_default=False)] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, show_default=False, help="Trials at the same time, at "
                                                            "the most. [default: as many as find room]")] = None,
    stall: Annotated[str, typer.Option(help="A trial that says nothing for so long is stopped and tried again, with "
                                            "twice the time; or for three times the longest epoch, if that is more."
                                       )] = "10m",
    sampler: Annotated[str, typer.Option(help="tpe, random, qmc or gp.")] = "tpe",
    pruner: Annotated[str, typer.Option(help="paced, asha, median or none.")] = "paced",
    confirm: Annotated[int, typer.Option(min=0, help="So many of the best recipes are run again on fresh seeds, "
                                              "and the winner without each of its tricks; 0: no verdict.")] = 3,
    seeds: Annotated[int, typer.Option(min=5, help="Fresh seeds for each of them; close calls get more.")] = 5,
    max_params: Annotated[str | None, typer.Option(help="What a winner may have at the most: 200k, 5M.",
                                                   show_default=False)] = None,
    max_latency: Annotated[str | None, typer.Option(help="What it may take for one image on a trial's device: 3ms.",
                                                    show_default=False)] = None,
    screen: Annotated[bool | None, typer.Option("--screen/--no-screen", help="Begin with designed runs of few epochs. "
                                                "[default: where the budget allows]", show_default=False)] = None,
    prior: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, show_default=False, help="A file of "
                                               "`autocls cards`: what helped elsewhere is tried early.")] = None,
    storage: Annotated[str | None, typer.Option(help="A database's URL or a journal file, where several searches of "
                                                     "one --out name share a study. [default: a journal in the output "
                                                     "folder]", show_default=False)] = None,
    root: Annotated[Path | None, typer.Option(help="Where torchvision's data sets lie.", show_default=False)] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")] = False,
    send_data: Annotated[bool, typer.Option("--send-data", help="Send the images to the nodes, which need not then "
                                            "have them at DATA's path.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:  # fmt: skip
    """Search for the best way to train a classifier on DATA.

    Example:

        autocls search photos/ --space quick --time 30m
    """
    budget = seconds(time) if time is not None else None
    most = amount(max_params, "--max-params") if max_params is not None else None
    longest = seconds(max_latency, "--max-latency") if max_latency is not None else None
    patience = seconds(stall, "--stall")
    from autocls.data.sources import locate
    from autocls.search.connection import begin
    from autocls.search.strategies import check_names
    from autocls.shipped import find

    locate(data), find(space)  # a slip is said before anything starts
    check_names(sampler, pruner)
    if address != "inline":
        begin(address)  # while the rest is imported
    from autocls.search.folder import default
    from autocls.search.run import search
    from autocls.search.snapshot import Watch
    from autocls.search.urls import local

    place = out if out is not None else str(default(data, space))

    def begin_search(watch: Watch) -> "SearchResult":
        return search(
            data, space, trials=trials, seconds=budget, epochs=epochs, out=place, seed=seed, metric=metric,
            folds=folds, address=address, cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial,
            max_concurrent=max_concurrent, stall=patience, sampler=sampler, pruner=pruner, confirm=confirm,
            seeds=seeds, max_params=most, max_latency=longest, screen=screen, prior=prior, storage=storage,
            root=root, skip_bad=skip_bad, send_data=send_data, watch=watch,
        )  # fmt: skip

    limited = most is not None or longest is not None
    conduct(
        begin_search, local(place), watched=storage is None, shown=not no_progress, as_json=as_json, limited=limited,
    )  # fmt: skip


def conduct(
    run: "Callable[[Watch], SearchResult]",
    folder: Path,
    *,
    watched: bool,
    shown: bool,
    as_json: bool,
    limited: bool,
) -> None:
    """Run a search with its page (where it is ``watched``) and its progress beside it, and print what it came to."""
    from autocls.cli.progress import Progress
    from autocls.cli.watch import Beside
    from autocls.search.record import INTERRUPTED
    from autocls.search.snapshot import Snapshot

    with Beside(folder) as page:
        with Progress(shown=shown) as progress:

            def watch(snapshot: Snapshot) -> None:
                if watched:
                    page.begin()
                progress.show(snapshot)

            result = run(watch)
        if as_json:
            _print_json(result)
        else:
            _print(result, limited=limited)
            if result.stopped == INTERRUPTED:
                print(f"It may go on: autocls resume {folder}")
                print(f"The test part is still sealed; to end here instead: autocls verdict {folder} --reopen-test")
        page.part()
    if result.recipe is None and not as_json:
        sys.exit(1)


def _print_json(result: "SearchResult") -> None:
    now = result.snapshot
    print(json.dumps({
        "folder": str(result.folder), "report": str(result.report), "stopped": result.stopped,
        "complete": now.complete, "pruned": now.pruned, "failed": now.failed, "designed": now.designed,
        "epochs": now.epochs, "metric": result.metric, "winner": result.winner, "score": result.score,
        "test_score": result.test_score, "recipe": result.recipe.plain() if result.recipe else None,
        "verdict": result.verdict.paragraph if result.verdict else None,
    }, ensure_ascii=False), flush=True)  # fmt: skip


def _print(result: "SearchResult", *, limited: bool) -> None:
    now = result.snapshot
    designed = f", {now.designed} designed runs" if now.designed else ""
    done = f"{now.complete} trials complete, {now.pruned} stopped early, {now.failed} failed{designed}"
    print(f"{done}; {result.stopped}.")
    if result.recipe is None:
        completed = "No trial within the limits was completed" if limited else "No trial was completed"
        print(f"{completed}, so there is no winner: give it more time, or see in the report why trials ended.")
    else:
        sealed = "" if result.test_score is None else f", {result.test_score:.2%} on the sealed test part"
        print(f"Winner: trial {result.winner}, {result.metric} {result.score:.2%} on validation{sealed}.")
        if result.verdict is not None:
            print(f"\n{result.verdict.paragraph}\n")
        print(f"Recipe: {result.folder / 'best_recipe.yaml'}")
        if (result.folder / "model").is_dir():
            print(f"Model:  {result.folder / 'model'}")
    print(f"Report: {result.report}", flush=True)
