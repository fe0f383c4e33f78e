"""Whether two systems differ, or whether their difference may be chance.

differences.py   systems against a baseline, and every pair of systems: the tests, corrected for their number
seeds.py         what the seeds of two systems drew, and how far seeds spread
paired.py        tests and intervals over the questions alone
crossed.py       the test over seeds and questions
explanation.py   what the marks of a table mean, in words
"""
