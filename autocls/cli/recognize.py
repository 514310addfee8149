"""``autocls recognize``: a verb of verbs, which enrol, match and evaluate."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autocls.cli.skipping import watched
from autocls.errors import BadInput
from autocls.files import make_room

if TYPE_CHECKING:
    from autocls.deploy.enrolment import Embedded
    from autocls.deploy.gallery import Gallery
    from autocls.deploy.verification import Verification

app = typer.Typer(
    help="Recognise people or things that were in no training, from a few pictures each.", no_args_is_help=True
)

Model = Annotated[Path, typer.Argument(help="A model folder.", show_default=False)]
GalleryFile = Annotated[Path, typer.Argument(help="A gallery that enroll wrote.", show_default=False)]
Named = Annotated[
    str,
    typer.Argument(help="A folder with a folder of pictures for each name, or what else a search takes.",
                   show_default=False),
]  # fmt: skip
Far = Annotated[
    float, typer.Option(help="Fit the threshold so that this share of comparisons with a wrong name is accepted.")
]


@app.command()
def enroll(
    model: Model,
    pictures: Named,
    out: Annotated[Path, typer.Option(help="The gallery's file to write.", show_default=False)],
    far: Far = 0.01,
) -> None:
    """Make a gallery of everyone in PICTURES, with no training.

    Example:

        autocls recognize enroll reports/pets-quick/model our-cats/ --out cats.safetensors
    """
    import autocls
    from autocls.deploy import enrolment
    from autocls.deploy.gallery import Gallery
    from autocls.deploy.recognizer import Embedder
    from autocls.deploy.threshold import check_far

    check_far(far)
    if out.exists():
        raise BadInput(f"--out {out}: is there already; add to it, choose another, or delete it")
    make_room(out)
    embedder = Embedder(autocls.load(model))
    found = enrolment.read(embedder, pictures)
    gallery = Gallery.of(found.embeddings, found.names, embedder.identity, far)
    gallery.save(out)
    _say_left_out(found)
    _say_enrolled(gallery, out)


@app.command()
def add(model: Model, gallery: GalleryFile, pictures: Named) -> None:
    """Enrol newcomers, or more pictures of those enrolled; the threshold is fitted anew.

    Example:

        autocls recognize add reports/pets-quick/model cats.safetensors new-cats/
    """
    import autocls
    from autocls.deploy import enrolment
    from autocls.deploy.gallery import Gallery, change
    from autocls.deploy.recognizer import Embedder, check_same

    embedder = Embedder(autocls.load(model))
    check_same(embedder, Gallery.open(gallery))
    found = enrolment.read(embedder, pictures)

    def enrolled(before: Gallery) -> Gallery:
        check_same(embedder, before)
        return before.added(found.embeddings, found.names)

    changed = change(gallery, enrolled)
    _say_left_out(found)
    print(f"Added {_many(len(found.names), 'picture')} of {_many(len(found.people), 'name')}.")
    _say_enrolled(changed, gallery)


@app.command()
def remove(
    gallery: GalleryFile, names: Annotated[list[str], typer.Argument(help="Who to forget.", show_default=False)]
) -> None:
    """Forget all pictures of NAMES; the threshold is fitted anew.

    Example:

        autocls recognize remove cats.safetensors Tom Felix
    """
    from autocls.deploy.gallery import change

    _say_enrolled(change(gallery, lambda before: before.without(names)), gallery)


@app.command()
def match(
    model: Model,
    gallery: GalleryFile,
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of them.", show_default=False)],
    threshold: Annotated[
        float | None, typer.Option(help="Accept from this cosine similarity on.", show_default="the gallery's")
    ] = None,
    far: Annotated[
        float | None,
        typer.Option(help="Fit the threshold for this false-accept rate instead.", show_default="the gallery's"),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many names to print for each.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images that the network sees at once.")] = 128,
) -> None:
    """Say who is on IMAGES, of those in the gallery, or that it is someone unknown.

    Example:

        autocls recognize match reports/pets-quick/model cats.safetensors garden/ --top 3
    """
    import autocls
    from autocls.data.folder import image_files
    from autocls.deploy import Recognizer

    if threshold is not None and far is not None:
        raise BadInput("--threshold, --far: one of them")
    recognizer = Recognizer.load(autocls.load(model), gallery)
    if far is not None:
        fitted = recognizer.gallery.fitted(far)
        typer.echo(fitted or "no threshold: one name is enrolled", err=True)
        threshold = fitted.similarity if fitted else None
    paths = image_files(images)
    rows = recognizer.stream(paths, top, threshold, batch_size)
    for path, found in watched(rows, len(paths)):
        if as_json:
            if isinstance(found, BadInput):
                said: dict[str, object] = {"error": str(found)}
            else:
                ranked = [{"name": name, "similarity": similarity} for name, similarity in found.ranked]
                said = {"name": found.name, "ranked": ranked, "threshold": found.threshold}
            print(json.dumps({"image": str(path), **said}, ensure_ascii=False))
        elif not isinstance(found, BadInput):
            print(f"{path}: {found}")


@app.command()
def evaluate(
    model: Model,
    pictures: Named,
    enrolled: Annotated[int, typer.Option(min=1, help="Pictures of each name to enrol; the rest are tried.")] = 5,
    far: Far = 0.01,
    seed: Annotated[int, typer.Option(help="Draws the pictures to enrol.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the numbers for programs, the ROC among them.")
    ] = False,
) -> None:
    """Say how well a model tells apart the names in PICTURES, which should have been in no training.

    Example:

        autocls recognize evaluate reports/pets-quick/model other-cats/
    """
    import autocls
    from autocls.deploy import enrolment
    from autocls.deploy.gallery import Gallery
    from autocls.deploy.recognizer import Embedder
    from autocls.deploy.threshold import check_far
    from autocls.deploy.verification import as_json as in_json
    from autocls.deploy.verification import part, verify

    check_far(far)
    classifier = autocls.load(model)
    embedder = Embedder(classifier)
    found = enrolment.read(embedder, pictures)
    rows, probes = part(found.names, enrolled, seed)
    gallery = Gallery.of(found.embeddings[rows], [found.names[row] for row in rows], embedder.identity, far)
    result = verify(gallery, found.embeddings[probes], [found.names[row] for row in probes], seed)
    _say_left_out(found)
    if learnt := sorted(set(found.people) & set(classifier.labels)):
        from autocls.data.listing import few

        typer.echo(f"autocls: the model has classes of these names: {few(learnt)}; it may know them already", err=True)
    print(in_json(result) if as_json else _text(result))


def _text(found: "Verification") -> str:
    at_work = found.at_work
    tar = [
        (f"TAR at FAR {far:.1%}", f"{rate}" if rate else f"needs {1 / far:,.0f} comparisons with a wrong name")
        for far, rate in found.tar
    ]
    rows = [
        ("rank-1", str(found.rank1)),
        ("EER", str(found.eer)),
        ("AUC", f"{found.auc.value:.4f} ({found.auc.low:.4f} to {found.auc.high:.4f})"),
        *tar,
        (
            f"threshold {at_work.threshold.similarity:.3f}",
            f"fitted on the enrolled pictures for FAR {found.at_work.threshold.far:.2%}",
        ),
        ("  own name accepted", str(at_work.accepted_right)),
        ("  wrong name accepted", str(at_work.accepted_wrong)),
        ("  stranger taken for someone", str(at_work.strangers)),
        ("  recognised rightly", str(at_work.recognised)),
    ]
    return "\n".join(
        [
            f"{found.names:,} names, {found.enrolled:,} pictures enrolled, {found.probes:,} tried: {found.probes:,} "
            f"comparisons with the own name, {found.wrong_pairs:,} with another.",
            *_columns(rows),
            f"In brackets 95 % intervals: Wilson's of counts, else of {found.resamples:,} bootstrap draws of the tried "
            "pictures.",
        ]
    )


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {value}" for name, value in rows]


def _say_left_out(found: "Embedded") -> None:
    """Files that are not enrolled or tried, on stderr."""
    for note in found.notes:
        typer.echo(f"autocls: {note}", err=True)
    for reason in found.skipped:
        typer.echo(f"autocls: skipped: {reason}", err=True)
    if bad := len(found.skipped):
        typer.echo(f"autocls: {bad:,} of {bad + len(found.names):,} images skipped", err=True)


def _say_enrolled(gallery: "Gallery", path: Path) -> None:
    print(f"{path}: {_many(len(gallery.names), 'name')}, {_many(len(gallery.embeddings), 'picture')}.")
    print(gallery.threshold or "No threshold: with one name there is nothing to fit it on; match takes --threshold.")


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
