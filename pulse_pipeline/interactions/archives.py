"""Unpacks downloaded zip archives without trusting the names inside."""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder, which appears only when it is whole.

    A single folder that holds everything inside the archive is left out.

    Args:
        archive: The zip file.
        folder: Where its files go; what was there is replaced.

    Raises:
        PulseError: No sound zip, or a name inside points out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened, replacing(folder) as aside:
            aside.mkdir()
            members = [member for member in opened.infolist() if not member.filename.startswith("__MACOSX/")]
            names = {member.filename: _safe(archive, member) for member in members}
            tops = {name.parts[0] for name in names.values() if name.parts}
            skip = 1 if len(tops) == 1 and all(_inside(member) for member in members) else 0
            for member in members:
                # An archive's own modes, owners and links are not taken over: only names and bytes.
                target = aside.joinpath(*names[member.filename].parts[skip:])
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as source, target.open("xb") as sink:
                    while block := source.read(1 << 20):
                        sink.write(block)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        # RuntimeError is what the library raises for encrypted members and unknown compression.
        raise PulseError(f"{archive} is no sound zip ({error}); delete it and fetch it again") from error
    except OSError as error:
        raise PulseError(f"{archive} cannot be unpacked to {folder} ({error.strerror})") from error


def _safe(archive: Path, member: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if name.is_absolute() or ".." in name.parts or any(":" in part for part in name.parts) or is_link:
        raise PulseError(
            f"{archive}: '{member.filename}' points out of the archive's folder; it was not unpacked"
        )
    return name


def _inside(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or "/" in member.filename
