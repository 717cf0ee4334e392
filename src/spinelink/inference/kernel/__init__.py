"""The compiled kernel, for the extra `fast` (numba): one tape of operations for each pattern.

| method | paper | module |
|---|---|---|
| a network as flat arrays | | `flat` |
| what compiled functions take, and what they work in | | `records`, `workspace` |
| how functions are compiled | | `jit` |
| greedy elimination orders on bit sets | Kjærulff 1990 | `order` |
| pruning, deputies, and the difference form of noisy-MAX | Díez and Galán 2003 | `plan` |
| products and sums over strided axes | | `tape`, `run` |
| the values of the inputs | | `inputs` |
| posteriors by a forward and a backward pass | Darwiche 2003 | `solve` |
| expected counts | Heckerman and Breese 1996 | `counts`, `components` |
| the Python side | | `engine` |
"""
