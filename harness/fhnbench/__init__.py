"""fhnbench: classical solvers against neural surrogates for the FitzHugh-Nagumo model, measured fairly.

The public API is what ``__init__.pyi`` lists; each name is imported when it is first used, so that
``import fhnbench`` costs nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
