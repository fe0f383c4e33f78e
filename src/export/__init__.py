"""A finished run as a folder that other libraries load: models for sentence-transformers, a faiss index, a card."""
