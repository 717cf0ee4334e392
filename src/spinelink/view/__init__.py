"""How answers look: HTML, SVG and plots. Nothing here knows the class of an answer.

| module | what it writes |
|---|---|
| `text` | numbers for people, the notice |
| `html` | elements, tables, the frames of notebooks and pages |
| `svg` | the network as a picture (layers by Sugiyama, Tagawa and Toda 1981) |
| `plot` | matplotlib pictures from columns |
"""
