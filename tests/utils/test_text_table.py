import os
import subprocess
import sys

from byol_keras.utils.text_table import text_table


def test_words_to_the_left_and_numbers_to_the_right():
    rows = [("encoder.tflite", "44,801", "yes"), ("encoder-int8.tflite", "11,374", "NO")]
    assert text_table(("file", "kB", "passed"), rows, left={"file", "passed"}).splitlines() == [
        "file                     kB  passed",
        "encoder.tflite       44,801  yes",
        "encoder-int8.tflite  11,374  NO",
    ]


def test_the_widths_of_a_terminal_and_no_markup():
    lines = text_table(("file", "n"), [("写真", "1"), ("[red]:smile:", "2")], left={"file"}).splitlines()
    assert lines == ["file          n", "写真          1", "[red]:smile:  2"]


def test_a_line_is_a_row_whatever_the_terminal():
    """Neither wrapped to a width nor colored, also where the environment asks for it."""
    code = "from byol_keras.utils.text_table import text_table\n"
    code += "print(text_table(('a', 'b'), [('x' * 500, '1')], {'a'}))"
    environment = {**os.environ, "COLUMNS": "20", "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TERM": "xterm-256color"}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout == f"a{' ' * 501}b\n{'x' * 500}  1\n"


def test_no_rows():
    assert text_table(("a", "b"), []) == "a  b"
