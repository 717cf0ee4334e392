"""Exploring a case in a notebook. Widgets are imported here and nowhere else.

| module | what it holds |
|---|---|
| `explorer` | the widget: messages of the script, and what it shows |
| `background` | the thread that computes what takes longer |
| `view` | what is shown, as plain values |
| `numbers` | the parameters of a node as sliders |
| `code` | the case as Python code and as a shell command |
"""
