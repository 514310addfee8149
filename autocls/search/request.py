"""What a search was asked for, kept beside its study so that it can be resumed."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from autocls.errors import BadInput
from autocls.files import whole

REQUEST = "request.json"


@dataclass(frozen=True)
class Request:
    """All that ``search`` was given but where to run, the space (``space.yaml``) and what only a beginning needs."""

    data: str | None
    """None for simulated trials."""
    trials: int | None
    seconds: float | None
    seed: int
    metric: str | None
    """None for the usual one of the data."""
    sampler: str
    pruner: str
    confirm: int
    seeds: int
    screen: bool | None
    max_params: int | None
    max_latency: float | None
    storage: str | None
    root: str | None
    skip_bad: bool
    send_data: bool
    cpus_per_trial: float
    gpus_per_trial: float | None
    max_concurrent: int | None
    stall: float
    driver: str
    """What it is called among those that may share its study."""
    folds: int = 0
    """By so many a trial is scored; 0 for the validation part alone."""

    def write(self, folder: Path) -> None:
        """Write ``request.json``."""
        with whole(folder / REQUEST) as partial:
            partial.write_bytes(_JSON.dump_json(self, indent=2))

    @classmethod
    def read(cls, folder: Path) -> "Request":
        """That of a run folder. Raises BadInput when it holds none."""
        try:
            return _JSON.validate_json((folder / REQUEST).read_bytes())
        except OSError:
            raise BadInput(f"{folder}: holds no search that could be resumed: there is no {REQUEST} in it") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadInput(f"{folder / REQUEST}: not what a search was asked for: {where}: {first['msg']}") from None


_JSON = TypeAdapter(Request)
