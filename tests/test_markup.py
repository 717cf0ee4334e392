"""Elements of HTML: text is escaped wherever it enters, and only once."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from spinelink.markup import Html, element, fragment


class Reader(HTMLParser):
    """What a browser would read: tags with their attributes, and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


@given(st.text(), st.text())
def test_a_browser_reads_what_was_given(text, value):
    reader = Reader(element("p", text, title=value))
    assert reader.tags == [("p", {"title": value})] and reader.words == text


@given(st.lists(st.text()))
def test_what_is_html_already_is_not_escaped_again(texts):
    once = fragment(*texts)
    assert fragment(once) == once and isinstance(once, Html)
    assert element("div", once) == element("div", *texts)


def test_names_of_attributes():
    assert element("i", class_="a", data_node="b", http_equiv="c") == (
        "<i class='a' data-node='b' http-equiv='c'></i>"
    )


def test_void_elements_have_no_end():
    assert element("br") == "<br>" and element("img", alt="<'>") == "<img alt='&lt;&#x27;&gt;'>"
