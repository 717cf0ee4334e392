"""Pictures of answers, drawn from columns: labels, values, ends of intervals.

Each function takes columns and Axes, or makes Axes, and returns them. None knows the class of an
answer: an answer's `.plot` hands its columns down. matplotlib is imported when one is drawn.

| module | pictures |
|---|---|
| `ranking` | causes, questions, populations, sampled parameters, link patterns |
| `sensitivity` | waterfall, tornado, one parameter, two parameters, sweep |
| `validation` | calibration, decision curve (Vickers and Elkin 2006), learning |
| `prediction` | figures predicted without their studies, and how often intervals hold |
| `picture` | a plot as SVG for a page |
| `marks` | labels, legends, interval lines |
| `style` | colours (Paul Tol's bright scheme) and Axes |
"""
