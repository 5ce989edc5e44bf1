"""Which options apply to a model: what was asked for and would change nothing is refused."""

from collections.abc import Iterator

from ...model.errors import OptionError
from ...model.hmm import HMM
from ...model.packing.matrix import PackedModel
from ...model.quantize.prune import Renormalization
from .choices import FLOAT_METHOD
from .request import Request

PRUNING = frozenset(kind.value for kind in Renormalization)
"""Methods that take a share."""


def check_options(request: Request, hmm: HMM | PackedModel) -> None:
    """Raise OptionError, naming the option, for one that was given and does not apply to the model or the method.

    Of a packed file what it holds may be asked for.
    """
    faults = _of_packed(request, hmm) if isinstance(hmm, PackedModel) else _of_method(request)
    for option, fault in faults:
        raise OptionError(f"{option}: {fault}")


def _of_packed(request: Request, packed: PackedModel) -> Iterator[tuple[str, str]]:
    setting, asked_layout, file = request.setting, request.asked_layout, request.model
    for option, asked, found in (
        ("--method", request.asked_method, packed.method),
        ("--bits", setting.bits, packed.bits),
        ("--layout", asked_layout and asked_layout.value, packed.layout.value),
    ):
        if asked is not None and asked != found:
            yield option, f"{asked} given, the packed file {file} has {found}"
    if setting.guard and packed.end_state is None:
        yield "--guard", f"given, the packed file {file} is without hmm_guard"
    if setting.row_mass_leak and not packed.has_row_leaks:
        yield "--row-mass-leak", f"given, the packed file {file} is without row_mass_leak"
    if setting.share is not None:
        yield "--share", f"{setting.share} given, the packed file {file} cannot be pruned"


def _of_method(request: Request) -> Iterator[tuple[str, str]]:
    setting, method = request.setting, request.method
    if method == FLOAT_METHOD:
        if setting.bits is not None:
            yield "--bits", f"{setting.bits} given, --method {method} takes the HMM as it is"
        for option, given in (("--guard", setting.guard), ("--row-mass-leak", setting.row_mass_leak)):
            if given:
                yield option, f"given, --method {method} takes the HMM as it is"
    if setting.share is not None and method not in PRUNING:
        yield "--share", f"{setting.share} given, --method {method} prunes nothing"
    if request.asked_layout is not None and not request.has_datapath:
        yield "--layout", f"{request.asked_layout.value} given, {_unpacked(request)}"


def _unpacked(request: Request) -> str:
    if not request.has_levels:
        return f"--method {request.method} has no levels to pack"
    return f"--engine {request.engine.value} packs nothing without --explain"
