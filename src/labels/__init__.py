"""Turns a teacher's scores into pseudo labels.

The cross-encoder (teacher.py, cross_encoder.py, template.py), its training (teaching.py), scores of many pairs
(scoring.py), and the labels that thresholds make of them (pseudo.py).
"""
