"""The network in the forms of other tools.

| form                | write                 | read                | module         |
|---------------------|-----------------------|---------------------|----------------|
| network file (YAML) | `Model.save`          | `spinelink.load`    | `network_file` |
| BibTeX (sources)    | `Model.to_bibtex`     | -                   | `network_file` |
| networkx            | `Model.to_networkx`   | -                   | `networkx`     |
| pgmpy               | `Model.to_pgmpy`      | `spinelink.from_pgmpy` | `pgmpy`     |

A new form is one module and one line here.
"""
