"""``autocls resume``."""

from typing import Annotated

import typer

from autocls.cli.quantities import seconds


def command(
    folder: Annotated[str, typer.Argument(help="The output folder of a search that was killed or interrupted, or the "
                                               "URL where it is kept.", show_default=False)],
    address: Annotated[str, typer.Option(help="As of `autocls search`; it may run elsewhere now.")] = "local",
    cpus_per_trial: Annotated[float | None, typer.Option(help="[default: as it was]", show_default=False)] = None,
    gpus_per_trial: Annotated[float | None, typer.Option(help="[default: as it was]", show_default=False)] = None,
    max_concurrent: Annotated[int | None, typer.Option(help="[default: as it was]", show_default=False)] = None,
    stall: Annotated[str | None, typer.Option(help="[default: as it was]", show_default=False)] = None,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:  # fmt: skip
    """Go on with a search that was killed or interrupted, within the budget that it began with.

    Example:

        autocls resume reports/photos-quick
    """
    patience = seconds(stall, "--stall") if stall is not None else None
    from autocls.search.connection import begin
    from autocls.search.mirror import taken_up_at
    from autocls.search.request import Request

    with taken_up_at(folder) as here:
        asked = Request.read(here)  # a slip is said before anything starts
        if address != "inline":
            begin(address)
        from autocls.cli.search import conduct
        from autocls.search.finish import SearchResult
        from autocls.search.run import resume
        from autocls.search.snapshot import Watch

        def go_on(watch: Watch) -> SearchResult:
            return resume(
                here, address=address, cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial,
                max_concurrent=max_concurrent, stall=patience, watch=watch,
            )  # fmt: skip

        limited = asked.max_params is not None or asked.max_latency is not None
        conduct(
            go_on, here, watched=asked.storage is None, shown=not no_progress, as_json=as_json, limited=limited,
        )  # fmt: skip
