"""Which trick has a place in which network: the table in docs/applicability.md, which ``make docs`` writes."""

from collections.abc import Iterable

from autocls.probe.observation import CHANNELS, CLASSES
from autocls.recipe import Recipe, kind
from autocls.training.network import OF_THE_NETWORK, without_place
from autocls.tricks.architecture import Architecture
from autocls.tricks.base import Trick

FAMILIES = (
    "lenet", "alexnet", "vgg11", "googlenet", "inception_v3", "inception_v4", "resnet18", "cifar_resnet", "seresnet18",
    "densenet121", "nasnet_mobile", "xception", "mobilenet_v1", "mobilenet_v2", "shufflenet_v1", "shufflenet_v2",
    "squeezenet1_1",
)  # fmt: skip
"""One network of each family."""

SIZE = 64


def tricks() -> dict[str, Trick]:
    """The tricks that need a place in the network, as ``slot.choice``."""
    slots = {slot: tricks for slot in Recipe.model_fields if (tricks := kind(slot)) and slot != "architecture"}
    return {
        f"{slot}.{name}": trick()
        for slot, choices in slots.items()
        if issubclass(choices, OF_THE_NETWORK)
        for name, trick in choices.choices().items()
    }


def matrix(families: Iterable[str] = FAMILIES) -> dict[str, dict[str, str]]:
    """Of each network, why each trick (``slot.choice``) has no place there; empty where it has one."""
    operate = tricks()
    found = {}
    for family in families:
        home = Recipe(architecture=Architecture.parse(family), image_size=SIZE)
        lacks = without_place(home, operate.values(), CLASSES, CHANNELS)
        found[family] = {name: lacks.get(trick, "") for name, trick in operate.items()}
    return found


def markdown(found: dict[str, dict[str, str]]) -> str:
    """The matrix as a page of Markdown, each reason a note below it."""
    notes: dict[str, int] = {}

    def cell(reason: str) -> str:
        why = reason.partition("not applicable: ")[2].partition(" ")[2]  # what follows the network's name
        return f"[{notes.setdefault(why, len(notes) + 1)}]" if reason else "✓"

    lines = [
        "# Which trick has a place in which network",
        "",
        f"Written by `make docs`, at {SIZE} pixels, each trick by itself. ✓: it has; a number: it hasn't; the note",
        "says why. A search leaves such a choice out of the trial's recipe and says so. All other tricks",
        "have a place everywhere, but for `saturation`, which needs colour images.",
        "",
        f"| | {' | '.join(found)} |",
        f"|---|{'---|' * len(found)}",
    ]
    for name in next(iter(found.values())):
        lines.append(f"| `{name}` | {' | '.join(cell(lacks[name]) for lacks in found.values())} |")
    return "\n".join([*lines, "", *(f"{number}. The network {why}." for why, number in notes.items()), ""])


if __name__ == "__main__":
    print(markdown(matrix()), end="")
