"""A teacher's scores become pseudo labels.

The cross-encoder (teacher.py, cross_encoder.py, template.py), how it is trained (teaching.py), the scores of many pairs
(scoring.py) and the labels that thresholds make of them (pseudo.py).
"""
