"""Kill every process and the broker under load, then count what was lost, doubled, invented or reordered.

`make chaos`, or `python -m bench.chaos [--short] [--races] [--seed N]`, runs the suite as processes on a broker and a
database of its own and drives it through the API. Each case of the fault catalogue gives one line of JSON on stdout,
counted from the databases and the provider's ledger; the last line is the verdict, and the exit code is 1 when a goal
was missed. `--races`: only what many ask for at the same moment, nothing is killed.
"""
