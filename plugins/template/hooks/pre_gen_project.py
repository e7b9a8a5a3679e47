"""Refuses answers that would make a distribution that cannot be built or imported."""

import keyword
import re
import sys

ANSWERS = {
    "name": ("{{ cookiecutter.name }}", r"[a-z][a-z0-9_-]*", "lower-case letters, digits, - and _"),
    "distribution": ("{{ cookiecutter.distribution }}", r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "as pip takes it"),
    "package": ("{{ cookiecutter.package }}", r"[a-z_][a-z0-9_]*", "a Python name in lower case"),
    "class_name": ("{{ cookiecutter.class_name }}", r"[A-Z][A-Za-z0-9_]*", "a Python name such as AcmeExporter"),
}
TAKEN = ("file", "logger")

wrong = [
    f"{question} = {answer!r} is not possible: {rule}"
    for question, (answer, pattern, rule) in ANSWERS.items()
    if not re.fullmatch(pattern, answer) or keyword.iskeyword(answer)
]
if ANSWERS["name"][0] in TAKEN:
    wrong.append(f"name = {ANSWERS['name'][0]!r} is not possible: it belongs to nv-one-logger-core")
if wrong:
    sys.exit("\n".join(wrong))
