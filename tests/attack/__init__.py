"""The attack on loadstore as a stranger would make it: five parts, each with a seed and a limit of time.

``python scripts/attack.py`` runs them. Each part is a module: models, functions, commands, questions, files.
"""
