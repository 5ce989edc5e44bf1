"""What the page of baselines says around its tables."""

HEAD = """\
# What a user would pick instead

Laid out by `normq baseline --output docs/BASELINES.md`. The work is the token step of constrained decoding: the forward
step of B beams, the denominators, and the numerators of each beam's default edge (V = 50,257, no keywords). Set-up of a
constraint and the language model are not in it.

Every row says where it comes from. *measured*: a kernel timed on the machine below, median of repeated runs.
*scaled*: the same of a smaller size, times the ratio of operations. *roofline*: the longer of bytes over peak bandwidth
and operations over peak rate, by data sheets: a bound that real kernels do not reach, so the speed-up over it is a
lower bound. *published*: 50, 86 and 180 ms, the HMM's share of a token on a GPU that the source does not name
(arXiv 2509.25439). Our side is the timing model's cycles at a chosen clock, and energy from the cost model: an
estimate with its band. Ratios are theirs over ours. The low end of an energy ratio is their low end over our high end.

A speed-up over dense floats credits the format to the hardware. So the same packed model runs on a CPU core too
(*golden*: the integer kernels that every bit of the engine is compared with), and the table after the engines takes
the two apart.
"""

PARTS = """\
## What the format is worth, and what the hardware

One core in float32, the same core on the packed model, then the engines on the packed model (* scaled). The product of
the two factors is the whole speed-up. A whole socket would divide the first two by at most its number of cores.
"""

ASSUMPTIONS = """\
## Assumptions

- Weights: synthetic models with published statistics (`model/synthetic.py`), b = 4 sparse unless a row says otherwise.
  Dense times do not depend on what the weights are. Golden at b = 3 and 8 shows what the width costs a CPU; it is not
  set against engines, which run b = 4 here.
- The dense kernel is written as well as a user would: A' and A' .* C are one batch, so that beta is read once a step;
  vectors stay on the device; the scores stay there, too. Bytes count every operand once, whatever the caches.
- float16 and bfloat16 stand for time alone. HMM vectors leave the range of float16 within a sentence, and this page
  does not say that such a model would be right. This CPU multiplies bfloat16 in hardware and float16 not at all.
- CPU: one thread, processor time, so that other work on a shared machine counts as little as it can; caches and memory
  are shared all the same. Golden is timed with one thread as well.
- CPU energy: TDP over cores of its family times the time, and the full path of DDR4 for the bytes of dense weights. The
  packed weights are smaller than a core's cache: no DRAM is counted for them.
- GPU energy: time times power from 0.20 to 1.0 of the TDP (`analysis/baseline/platforms.py` has the source).
- Ours: b = 4, nothing resident on chip, DRAM behind the port by its preset, energy with the full path to it. The host
  that rings the doorbells is not counted, as the host of a GPU is not.
- Area, clock and energy are estimates at the node named; the cost model's own assumptions apply (`analysis/cost`).
"""
