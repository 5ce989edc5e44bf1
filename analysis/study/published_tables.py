"""Tables that set ours beside the published figures: Norm-Q, pruning, layer-wise integers."""

from ...model.decoding.engine import EosMode
from . import cells, published
from .markdown import NONE, markdown
from .spec import SHARES, WIDTHS, Configuration
from .summary import Outcome, Summary, differences, p_value

SCOPES = ("vector", "operand")


def beside_published(found: Summary) -> str:
    """Norm-Q beside the published figures; ours with the published eos mode and with the event."""
    heading = ("b", "success published", "ours, ctrlg", "ours, event", "p", "ROUGE-L published", "ours", "minus float")
    heading = (*heading, "BLEU-4 published", "ours", "minus float", "CIDEr published", "ours", "minus float")
    rows: list[list[str]] = []
    for bits in reversed(WIDTHS):
        event, ctrlg = (found.get(Configuration("norm-q", bits, eos=eos)) for eos in (EosMode.EVENT, EosMode.CTRLG))
        if event is None or ctrlg is None or not event.sets or not ctrlg.sets:
            continue
        triples = zip(("rouge", "bleu", "cider"), cells.scores(event), differences(event, found.base), strict=True)
        scores = [part for name, text, change in triples for part in (f"{published.NORM_Q[name][bits]}", text, change)]
        successes = (f"{published.NORM_Q['success'][bits]}", cells.success(ctrlg), cells.success(event))
        rows.append([str(bits), *successes, p_value(event, found.base), *scores])
    return markdown(heading, rows)


def pruning_beside_published(found: Summary) -> str:
    """Success by pruned share around the published cliff, and beyond; rows that nobody measured are left out."""
    kinds = ("prune", "prune-normalized", "prune-normalized-pseudocount")
    heading = ("pruned %", "published", "published, normalized", "ours", "ours, normalized", "ours, with pseudocount")
    theirs = {
        published.PRUNE_SAFE: ("no loss", NONE),
        published.PRUNE_FAILS: ("fails completely", f"{published.PRUNE_RENORMALIZED}"),
    }
    rows: list[list[str]] = []
    for share in sorted({*SHARES, *theirs}):
        ours = [cells.success(found.get(Configuration(kind, share=share))) for kind in kinds]
        if share in theirs or set(ours) != {NONE}:
            rows.append([f"{100 * share:g}", *theirs.get(share, (NONE, NONE)), *ours])
    return markdown(heading, rows)


def layerwise(found: Summary) -> str:
    """Layer-wise integers beside the published successes, by what shares one greatest value."""
    heading = ("b", "one greatest", "published success", "empty results", *cells.WHOLE)
    rows: list[list[str]] = []
    for bits in sorted({one.configuration.bits or 0 for one in found if one.configuration.method.startswith("layer")}):
        for scope in SCOPES:
            one = found.get(Configuration(f"layerwise-{scope}", bits))
            head = [str(bits), f"a {scope}" if scope == "vector" else f"an {scope}"]
            theirs = str(published.LAYERWISE.get(bits, NONE))
            rows.append([*head, theirs, _empty(one), *cells.whole(one, found.base)])
    return markdown(heading, rows)


def _empty(one: Outcome | None) -> str:
    return str(one.empty) if one and one.sets else NONE
