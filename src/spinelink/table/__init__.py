"""Whole tables of patients: one row a patient, one column a node, an empty cell where not assessed.

| module       | what it does                                                            |
|--------------|-------------------------------------------------------------------------|
| `cells`      | cells as findings, each distinct value checked once; tables to learn from |
| `likelihoods` | columns of likelihoods and other numbers                              |
| `csv_text`   | CSV as text: every row has as many fields as the header                 |
| `parts`      | the finished chunks of a batch, and what they are the answer to         |
| `formats`    | frames read from and written to CSV and Parquet                         |
| `errors`     | what goes wrong with files of patients                                  |
| `lock`       | one batch at a time writes an output                                    |
| `engine`     | posteriors of many rows: rows with the same pattern share a plan        |
| `posteriors` | a table in, a table of posteriors out, of the caller's own kind         |
| `scorer`     | the same as a callable that can be pickled: Dask, Ray, Spark            |
| `outcomes`   | tables with known diagnoses: what is predicted and what turned out      |
| `files`      | CSV and Parquet files larger than memory, chunk by chunk                |
| `impossible` | what to say of a row whose findings cannot occur together               |
"""
