"""Import the module that the argument names."""

from __future__ import annotations

import sys
from importlib import import_module

import_module(sys.argv[1])
