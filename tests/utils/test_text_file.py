import pytest

from byol_keras.errors import InputError
from byol_keras.utils.text_file import read_text_file


def test_what_is_read_and_what_is_refused(tmp_path):
    path = tmp_path / "names.txt"
    with pytest.raises(InputError, match=r"No such file: .*names\.txt"):
        read_text_file(path)
    path.write_bytes("\ufeffFüchse\n".encode())
    assert read_text_file(str(path)) == "Füchse\n"
    path.write_bytes(b"F\xfcchse")
    with pytest.raises(InputError, match=r"names\.txt is not a text file in UTF-8"):
        read_text_file(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_text_file(tmp_path)
