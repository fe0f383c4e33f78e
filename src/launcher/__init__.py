"""Hydra's side: a command line becomes cells, each run by the pipeline.

launch.py      from the command line to the exit code
overrides.py   what was typed, in Hydra's grammar
cells.py       the cells of a sweep
sweeps.py      one cell in its process, and what happens when it fails
messages.py    errors as one line each
options.py     the YAML files of conf/
help.py        `run.py --help`
"""
