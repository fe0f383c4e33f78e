"""Result rows become tables, tests of significance and figures.

    systems.py        rows that differ only in the seed are one system; labels, baselines    (per_query.py: its scores)
    groups.py         systems that may be compared: those on the same data
    averages.py       a system's means over seeds
    significance/     whether systems differ
    comparison.py     all of these together: what a report shows
    columns.py        the columns of `ResultRow`, and the best of each                       (costs.py: those to plot)
    layout.py         what a table shows, in any format
    terminal.py, markdown.py, latex.py, csv_files.py, figures/    the formats; ../page/ is another

The room reads rows and nothing else: it does not know the code that makes them.
"""
