"""Lists and downloads the files of a model on the Hugging Face hub, or on the mirror that `HF_ENDPOINT` names."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub  # loads nothing of its own until it is used

from dragoman.core.errors import ModelUnavailable
from dragoman.engines.model_card import sha256

_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file and its checksum: SHA-256 of a large one, git's SHA-1 of a blob of any other."""

    name: str
    size_bytes: int
    sha256: str | None
    git_sha1: str | None

    def is_intact(self, path: Path) -> bool:
        """Whether what lies there is this file."""
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        if self.sha256 is not None:
            return sha256(path) == self.sha256
        header = f"blob {self.size_bytes}\0".encode()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.sha1(header, usedforsecurity=False))
        return digest.hexdigest() == self.git_sha1


@dataclass(frozen=True, slots=True)
class Repository:
    """A model on the hub at one commit. `licence` is empty where its page names none; `is_gated`: behind a form."""

    id: str
    commit: str
    licence: str
    is_gated: bool
    files: tuple[HubFile, ...]


def look_up(repo_id: str, revision: str | None = None) -> Repository:
    """What the hub has under this id. Raises `ModelUnavailable`."""
    with _explained(repo_id):
        info = _hub().model_info(repo_id, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS)
    files = tuple(
        HubFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None, each.blob_id)
        for each in info.siblings or ()
    )
    licence = info.card_data.license if info.card_data else None
    return Repository(info.id, info.sha or "main", str(licence or ""), bool(info.gated), files)


def fetch(repository: Repository, names: Sequence[str], directory: Path) -> None:
    """Download files into a directory, going on where an earlier call stopped, and check them.

    Raises `ModelUnavailable`: what has come stays, but for a file that came damaged.
    """
    for file in repository.files:
        if file.name in names and not file.is_intact(directory / file.name):
            _fetch(repository, file, directory / file.name)


def _fetch(repository: Repository, file: HubFile, path: Path) -> None:
    # The hub's own client begins a file anew with each call. Imported late: the server does not pay for it.
    from huggingface_hub.file_download import http_get  # noqa: PLC0415
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # noqa: PLC0415

    part = path.with_name(f"{path.name}.part")
    url = huggingface_hub.hf_hub_url(repository.id, file.name, revision=repository.commit, endpoint=_endpoint())
    headers = build_hf_headers(library_name="dragoman")
    with _explained(repository.id), part.open("ab") as target:
        here = target.tell()
        if here < file.size_bytes:
            http_get(url, target, resume_size=here, headers=headers)
    if not file.is_intact(part):
        part.unlink()
        raise ModelUnavailable(
            f"{file.name} of {repository.id} is not what the hub describes (its checksum differs); "
            "it was deleted, run the command again."
        )
    part.rename(path)


def _hub() -> "huggingface_hub.HfApi":
    return huggingface_hub.HfApi(endpoint=_endpoint(), library_name="dragoman")


def _address() -> str:
    return _endpoint() or "huggingface.co"


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """Say what went wrong in a sentence that tells what to do."""
    from huggingface_hub import errors  # noqa: PLC0415 # as above

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ModelUnavailable(f"{repo_id} is not here, and HF_HUB_OFFLINE is set; pull it while online.") from error
    except errors.GatedRepoError as error:
        raise ModelUnavailable(
            f"{repo_id} is behind a form: accept its terms on its page, and set HF_TOKEN to a token of your account."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelUnavailable(
            f"the hub has no model {repo_id!r} for everybody; correct the name, or set HF_TOKEN if it is private."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelUnavailable(f"{repo_id} has no such revision; leave --revision out for the newest.") from error
    except errors.HFValidationError as error:
        raise ModelUnavailable(f"{repo_id!r} is no id of a model; it looks like Helsinki-NLP/opus-mt-zh-en.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"what {_address()} says of {repo_id} is no description of a model.") from error
    except (errors.LocalEntryNotFoundError, errors.HTTPError) as error:  # type: ignore[attr-defined] # of its HTTP client
        raise ModelUnavailable(
            f"{_address()} did not answer for {repo_id} ({type(error).__name__}); run the command again to go on, "
            "or set HF_ENDPOINT to a mirror."
        ) from error
    except OSError as error:
        raise ModelUnavailable(f"{repo_id} cannot be written ({error.strerror}).") from error
