"""Pages and documents that are made of answers.

| module | what it writes |
|---|---|
| `case_report` | asks everything that a page about one case shows |
| `page` | that page as HTML |
| `audit_page` | an audit as HTML |
| `predictive_page` | figures predicted without their studies, as HTML |
| `frame_table` | tables of these two pages |
| `card` | the model card of a network as Markdown (Mitchell et al. 2019) |
"""
