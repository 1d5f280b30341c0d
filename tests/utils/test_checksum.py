"""Checksums of real files, against those of coreutils."""

import subprocess

import pytest

from byol_keras.utils.checksum import checksum_path, is_intact, sha256_of, write_checksum


@pytest.fixture
def summed(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(bytes(range(256)) * 5000)
    write_checksum(path, sha256_of(path))
    return path


def test_sha256sum_reads_it(summed):
    assert is_intact(summed)
    said = subprocess.run(["sha256sum", "--check", checksum_path(summed)], cwd=summed.parent, capture_output=True)
    assert said.stdout == b"model.keras: OK\n"


def test_a_changed_byte_is_seen(summed):
    content = bytearray(summed.read_bytes())
    content[-1] ^= 1
    summed.write_bytes(content)
    assert not is_intact(summed)


@pytest.mark.parametrize("gone", ["the file", "its checksum"])
def test_without_one_of_the_two_it_is_not_intact(summed, gone):
    (summed if gone == "the file" else checksum_path(summed)).unlink()
    assert not is_intact(summed)


@pytest.mark.parametrize("content", ["", "\n", "0" * 64, "\udcff"])
def test_what_is_no_checksum_of_the_file_is_none(summed, content):
    checksum_path(summed).write_text(content, errors="surrogateescape")
    assert not is_intact(summed)
