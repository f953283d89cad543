"""Makes pages out of texts, and signs each: build.py TEXTS CACHE KEY OUTPUT."""

import hashlib
import hmac
import html
import pathlib
import sys

FRAME = """<!DOCTYPE html>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="/assets/style.css">
<h1>{title}</h1>
{body}
<script src="/assets/count.js"></script>
"""


def render(text):
    title, _, rest = text.partition("\n")
    body = "".join(f"<p>{html.escape(part)}</p>\n" for part in rest.split("\n\n") if part.strip())
    return FRAME.format(title=html.escape(title), body=body)


def main(texts, cache, key_file, output):
    key = pathlib.Path(key_file).read_bytes()
    cache, output = pathlib.Path(cache), pathlib.Path(output)
    output.mkdir()
    for source in sorted(pathlib.Path(texts).glob("*.txt")):
        text = source.read_text(encoding="utf-8")
        kept = cache / hashlib.sha256((FRAME + text).encode()).hexdigest()
        if not kept.exists():
            kept.write_text(render(text), encoding="utf-8")
        page = kept.read_bytes()
        (output / f"{source.stem}.html").write_bytes(page)
        (output / f"{source.stem}.html.sig").write_text(hmac.new(key, page, "sha256").hexdigest() + "\n")
    print(len(list(output.glob("*.html"))), "pages")


main(*sys.argv[1:])
