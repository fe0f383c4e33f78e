"""A ready cross-encoder for tests: tiny, random, and sure of itself."""

import numpy as np
import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import tokenize
from labrador.labels.cross_encoder import CrossEncoder


def write_teacher(folder, questions, passages, spread=3.0):
    """A folder of a sequence classifier whose logits over these pairs have mean 0 and the standard deviation `spread`.

    So that it scores some of them above 0.9 and some below 0.1.
    """
    encoder = Tiny()
    tokenizer = encoder.tokenizer()
    teacher = CrossEncoder(encoder.load_classifier(ready=True), tokenizer)
    ids = [np.array(row) for row in tokenize(tokenizer, [*questions, *passages], 128)]
    first, second = ids[: len(questions)], ids[len(questions) :]
    pairs = [(question, passage) for question in first for passage in second]
    head = teacher.model.classifier
    with torch.no_grad():
        logits = teacher(**teacher.template.inputs(*map(list, zip(*pairs, strict=True))))
        scale = spread / logits.std()
        head.weight.mul_(scale)
        head.bias.copy_((head.bias - logits.mean()) * scale)
    teacher.save(folder)
    return folder
