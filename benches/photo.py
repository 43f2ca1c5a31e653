"""What pictures.py needs Pillow for; a process of its own, since memory of a parent counts as that of its children."""

import random
import sys
from pathlib import Path

from PIL import Image, ImageOps


def main() -> None:
    task, source, *rest = sys.argv[1:]
    picture = Image.open(source)
    if task == "make":
        make(picture.convert("RGB"), Path(rest[0]))
    elif task == "reduce":
        side = int(rest[1])
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        ImageOps.contain(upright, (side, side), Image.Resampling.LANCZOS).save(rest[0])
    elif task == "decode":
        picture.convert("RGB").save(rest[0])


def make(picture: Image.Image, folder: Path) -> None:
    """The photo as baseline JPEG, and as large as the sensors of new phones, with their grain."""
    picture.save(folder / "sunset.jpg", quality=90)
    large = picture.resize((8000, 6000), Image.Resampling.LANCZOS)
    noise = Image.frombytes("L", large.size, random.Random(1).randbytes(large.width * large.height))
    large = Image.blend(large, noise.convert("RGB"), 0.05)
    large.save(folder / "large.jpg", quality=90)
    large.save(folder / "large_progressive.jpg", quality=90, progressive=True)


if __name__ == "__main__":
    main()
