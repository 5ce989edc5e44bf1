"""The folder of a study: its store of finished work."""

from pathlib import Path

from ...model.errors import OptionError
from .identity import check_identity, identity
from .store import WorkStore

DATABASE = "study.sqlite"


def open_store(folder: Path) -> WorkStore:
    """Return the store of a folder. Raises OptionError where its rows are of another study.

    A store, or a field of its identity, that was written before there was one is taken as of this study.
    """
    store = WorkStore(folder / DATABASE)
    found, wanted = store.fields(), identity()
    try:
        check_identity(folder, found)
    except OptionError:
        store.close()
        raise
    if found != wanted:
        store.set_fields(wanted)
    return store
