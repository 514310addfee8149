import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from autocls.data import read_image, to_square
from autocls.data.images import look
from autocls.errors import BadInput

from .helpers import picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_a_uint8_square(mode, channels):
    image = Image.new(mode, (30, 20)) if mode.startswith(("I", "LAB")) else picture(0, (30, 20)).convert(mode)
    pixels = to_square(image, 16, channels)
    assert (pixels.shape, pixels.dtype) == ((channels, 16, 16), np.uint8)


def test_a_square_of_the_right_size_is_left_as_it_is():
    image = picture(0)
    assert np.array_equal(to_square(image, 12, 3), np.asarray(image).transpose(2, 0, 1))


def test_the_middle_is_kept():
    image = Image.new("L", (30, 10))
    image.paste(255, (10, 0, 20, 10))
    assert to_square(image, 10, 1).min() == 255


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    assert np.array_equal(to_square(read_image(tmp_path / "deep.png"), 8, 1)[0], levels >> 8)


@pytest.mark.parametrize("stored", ["RGBA", "P"])
def test_transparent_parts_become_white(tmp_path, stored):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    if stored == "P":
        image = Image.new("P", (8, 8))
        image.info["transparency"] = 0
    image.save(tmp_path / "clear.png")
    assert to_square(read_image(tmp_path / "clear.png"), 8, 3).min() == 255


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("L", (20, 10))
    image.paste(255, (0, 0, 10, 10))  # left half
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left goes to the top
    image.save(tmp_path / "turned.png", exif=exif)
    upright = read_image(tmp_path / "turned.png")
    assert upright.size == (10, 20)
    assert np.asarray(upright)[:10].min() == 255


def test_a_path_with_spaces_and_chinese_characters(tmp_path):
    path = tmp_path / "我的 照片.png"
    picture(0).save(path)
    assert read_image(str(path)).size == (12, 12)


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not an image")
    picture(0, (200, 200)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    Image.new("F", (8, 8)).save(tmp_path / "float.tiff")
    reasons = {
        "empty.png": "empty",
        "text.png": "not an image",
        "cut.jpg": "truncated",
        "float.tiff": "floats",
        "gone.png": "No such file",
    }
    for name, reason in reasons.items():
        with pytest.raises(BadInput, match=f"{name}: .*{reason}"):
            read_image(tmp_path / name)


def test_a_decompression_bomb_is_unreadable_by_its_header_alone(tmp_path):
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 15_000, 10_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")))
    with pytest.raises(BadInput, match=r"bomb.png: 15000×10000 pixels are more than 134,217,728: .*decompression bomb"):
        read_image(tmp_path / "bomb.png")


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert to_square(read_image(tmp_path / "moving.gif"), 8, 3)[:, 4, 4].tolist() == [255, 0, 0]
    assert look((tmp_path / "moving.gif").read_bytes()).frames == 3


def test_cmyk_keeps_its_colours(tmp_path):
    Image.new("RGB", (8, 8), (200, 60, 20)).convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    np.testing.assert_allclose(to_square(read_image(tmp_path / "print.jpg"), 8, 3)[:, 4, 4], (200, 60, 20), atol=4)


def test_no_program_is_run_on_a_picture(tmp_path, monkeypatch):
    """Pillow has Ghostscript run EPS, which is known by its content."""
    ran = tmp_path / "ran"
    gs = tmp_path / "gs"
    gs.write_text(f"#!/bin/sh\ntouch {ran}\n")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "evil.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")
    with pytest.raises(BadInput, match="not an image that Pillow can read"):
        read_image(tmp_path / "evil.png")
    assert not ran.exists()
