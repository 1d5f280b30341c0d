"""The commands of `byol-keras`, one per file: `add_to` adds its arguments, the heavy imports happen when it runs.

They are alike on purpose: a call of `command`, a line per flag, and a call of a workflow, whose result is printed.
"""
