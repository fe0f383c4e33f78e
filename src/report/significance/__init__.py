"""Whether two systems differ, or whether their difference may be chance.

    differences.py   systems against a baseline, and every pair of systems, with p corrected for the number of tests
    seeds.py         what the seeds of two systems drew, and how much their scores vary with the seed
    paired.py        tests and intervals over queries alone
    crossed.py       the test over seeds and queries
    explanation.py   what the marks of a table mean

docs/significance.md explains the method, its error rate and its power.
"""
