"""An HTML page read as a browser would read it."""

import html.parser

# Those of HTML that have no end.
VOID = {"meta", "img"}


class Page(html.parser.HTMLParser):
    """The words of a page, its tags and the addresses in it; fails where tags are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.tags, self.addresses = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words += data.split()
