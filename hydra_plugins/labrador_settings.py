"""Where Hydra looks for the plugins of labrador.launcher.completed: it scans this namespace alone."""

from labrador.launcher.completed import CompletedPath, CompletedSource

__all__ = ["CompletedPath", "CompletedSource"]
