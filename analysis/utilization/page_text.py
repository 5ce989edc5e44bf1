"""What the utilization page says around its tables."""

from .spec import DENSE_VOCAB, VOCAB

HEAD = f"""# How close to the limit

Laid out by `normq utilization -o docs/UTILIZATION.md`, which measures anew where it has no rows; every figure is
measured in RTL unless it says computed. The page in docs/ was measured in November 2026 with the engine of
commit b8f89e8, in half an hour of one core; it came out as it had with the one of a114aa2, figure by figure. Reasons
for what is above 1.00 are read off the design, not measured.

Synthetic models (`model/synthetic.py`, seed 0), V={VOCAB:,}, memory of 40 cycles latency, nothing resident on chip. The
main build is S=4, P=16, W=4, a port of 512 bits, hidden_capacity 4096. Cycles are those of one group of P vectors in
steady state: (cycles of 2n groups - cycles of n groups) / n, one descriptor each, n=4, or n=1 where marked *. The
roofline is the largest of five terms, each what one resource needs if nothing else held it up (`analysis/roofline.py`):
bytes read and written over the port's, entries over S, non-empty outputs over W, elements of all passes over W.
"Scores of products" are those of A .* C, each lane with a C of its own. Tokens of forward steps are drawn in proportion
to their emission entries. Every output bit of every run behind this page is equal to golden: a difference ends the
study.

Dense models keep the first {DENSE_VOCAB:,} tokens of the vocabulary (scores marked +): all {VOCAB:,} would take
hours. The cycles of a dense score are the same for every token, so the whole is computed in proportion where this page
says so. At H=1024 dense cycles are the same at each b; at H=4096, where a group takes 4.2 million, at most one b
is measured, and what a table does not have was not.
"""

COSTS = """What the rest is, where a ratio is above 1.00 (cycles are measured, the attribution is read off the design):

- Where `entries` or `write` binds, what is left is the hand-over from one group to the next: some 5 cycles a group.
- Where `passes` binds (few entries: b=3, or S=8) every pass adds its set-up and the drain of its pipeline: about 55
  cycles a group, the same at every H, so H=1024 shows four times the share of H=4096.
- Where `read` binds, a group's vectors wait for a free buffer while weights and emission columns share the port: 70
  to 100 cycles a group, the same at every H.
"""

SHRINK = """What would shrink the results. Only the last two are built; bytes are computed from the formats:

- The k best: a record is 2 P bytes for every token with an entry, whether or not the search looks at it. The k best of
  a lane are 6 k bytes (score and number): 6,144 bytes for 16 lanes and k=64.
- One result for two: the host divides numerators by denominators. Their ratio, taken on chip, would be one record where
  now there are two.
- Narrower results: scores of 8 bits halve them.
- Vectors that stay: what forward writes into the local memory (`local_bytes`) crosses the port in neither direction.
- Listed scores (docs/ENGINE.md): only the listed tokens get a record.
"""

ON_CHIP = """All lanes together, walked from the design (`analysis/utilization/memories.py`), hidden_capacity 4096;
flip-flops are not in it. z and results have room for two groups.
"""

CONCLUSIONS = """P=32 halves the passes over the weights for the same beams. Vectors and results are as many as before,
so the port binds, and less than half of the cycles goes; the memory of the lanes doubles. Where it misses the aim
(H=1024) reading, writing and entries take about as long as each other, and x, which holds one group, is loaded only
after its last pass. W=8 changes little while entries bind at b=4; at S=8 passes bind, so that it takes both. With a
port of 256 bits reading or writing binds at H=4096.
"""
