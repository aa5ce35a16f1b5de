"""Sandboxes for frameworks of agents, each behind the extra of its name.

`sandbox` is the core that all of them share, and needs no framework.
"""
