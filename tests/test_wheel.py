"""What is installed from a wheel, far from the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def test_an_installed_wheel_finds_its_spaces_and_its_page(tmp_path: Path):
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        REPOSITORY,
    ]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert (tmp_path / "site/autocls/report/templates/page.html.j2").exists()
    code = "import autocls.shipped as s; print(s.__file__); print(*s.shipped()); print(s.find('quick').read_text())"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    first, names, *space = said.stdout.splitlines()
    assert first.startswith(str(tmp_path))
    assert names.split() == sorted(p.stem for p in (REPOSITORY / "search_spaces").glob("*.yaml"))
    assert any(line.startswith("architecture:") for line in space)
