"""Tables of the HMMs that were trained for the study: EM seeds, and Norm-Q aware EM by interval."""

from . import cells, published
from .markdown import NONE, markdown
from .results import Results
from .spec import AWARE_METHOD, FEW_WIDTHS, FLOAT_METHOD, INTERVALS, SEEDS, Configuration
from .summary import Outcome, Summary, differences

NORMQ = "norm-q"
AWARE_SOURCE = "seed-1"


def aware(found: Summary, results: Results) -> str:
    """Norm-Q aware EM by interval, below Norm-Q of the finished model of the same seed."""
    dev = last_dev(results)
    base = found.get(Configuration(FLOAT_METHOD, source=AWARE_SOURCE))
    heading = ("b", "interval", *cells.WHOLE, "nat/token, samples", "ROUGE-L minus after training")
    rows: list[list[str]] = []
    for bits in FEW_WIDTHS:
        after = after_training(found, bits)
        if after:
            rows.append([str(bits), "after training", *cells.whole(after, base), NONE, NONE])
        for interval in sorted(INTERVALS):
            one = found.get(aware_configuration(bits, interval))
            if one and one.sets:
                last = dev.get(f"aware-{bits}-{interval}")
                tail = [f"{last:.3f}" if last else NONE, differences(one, after)[0] if after else NONE]
                rows.append([str(bits), str(interval), *cells.whole(one, base), *tail])
    return markdown(heading, rows)


def aware_beside_published(found: Summary, results: Results) -> str:
    """Norm-Q after training and aware EM, published and ours; ours at the interval that samples choose."""
    columns = ("published Norm-Q", "published aware", "ours after training", "ours aware")
    names = {"success": "success", "rouge": "ROUGE-L", "bleu": "BLEU-4"}
    heading = ("b", "our interval", *(f"{name}: {column}" for name in names.values() for column in columns))
    rows: list[list[str]] = []
    for bits in FEW_WIDTHS:
        interval, after = chosen_interval(results, bits), after_training(found, bits)
        one = found.get(aware_configuration(bits, interval)) if interval else None
        if one is None or after is None or not one.sets or not after.sets:
            continue
        ours = zip(_percents(after), _percents(one), strict=True)
        row = [str(bits), str(interval)]
        for name, (plain, trained) in zip(names, ours, strict=True):
            row += [f"{published.NORM_Q[name][bits]}", f"{published.AWARE[name][bits]}", plain, trained]
        rows.append(row)
    return markdown(heading, rows)


def seeds(found: Summary) -> str:
    """Three EM seeds in float, and by Norm-Q with and without hmm_guard."""
    rows: list[list[str]] = []
    for bits in (None, *FEW_WIDTHS):
        for guard in (False, True) if bits else (False,):
            for seed in SEEDS:
                source = f"seed-{seed}"
                base = found.get(Configuration(FLOAT_METHOD, source=source))
                one = found.get(Configuration(NORMQ, bits, guard=guard, source=source)) if bits else base
                if one:
                    width = str(bits) if bits else FLOAT_METHOD
                    rows.append([width, "yes" if guard else "no", str(seed), *cells.whole(one, base)])
    return markdown(("b", "guard", "seed", *cells.WHOLE), rows)


def aware_configuration(bits: int, interval: int) -> Configuration:
    """Return the configuration of one run of aware EM."""
    return Configuration(AWARE_METHOD, bits, interval=interval, source=AWARE_SOURCE)


def after_training(found: Summary, bits: int) -> Outcome | None:
    """Return Norm-Q of the finished model that aware EM is compared with."""
    return found.get(Configuration(NORMQ, bits, source=AWARE_SOURCE))


def last_dev(results: Results) -> dict[str, float]:
    """Return nat a token on samples that each run ended with."""
    return {row["run"]: row["dev"] for row in results.curves}  # the last chunk of each run stays


def chosen_interval(results: Results, bits: int) -> int | None:
    """Return the interval whose run ended best on samples: chosen without the test text."""
    dev = last_dev(results)
    ran = [interval for interval in INTERVALS if f"aware-{bits}-{interval}" in dev]
    return max(ran, key=lambda interval: dev[f"aware-{bits}-{interval}"], default=None)


def _percents(one: Outcome) -> list[str]:
    """Return success, ROUGE-L, BLEU-4."""
    return [f"{100 * one.success.mean():.1f}", *cells.scores(one)[:2]]
