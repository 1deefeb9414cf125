"""A clinic in one file: back and forth between databases, whole or not at all."""

import tarfile
from pathlib import Path

import pytest
from django.db import models
from django.utils import timezone

from openitb.clinic.record import trail
from openitb.clinic.record.archive import back_up, kept_models, load_rows
from openitb.clinic.record.archive_files import ArchiveError, unpack
from openitb.clinic.record.models import OpenErasure, Patient, Score, Sheet, TrailHead
from openitb.clinic.record.plain import row_digest
from openitb.clinic.record.verification import verify


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "implants" / "pumps").mkdir(parents=True)
    (folder / "secret_key").write_text("of this clinic")
    (folder / "implants" / "pumps" / "V1.slot").write_bytes(bytes(range(256)))
    (folder / "clinic.sqlite3").write_text("not this way")
    (folder / "implants" / "address").write_text("127.0.0.1:1")
    return folder


@pytest.fixture
def people(make, staff) -> list[Patient]:
    with trail.acting(staff):
        patients = [make.patient(), make.patient(notes="Zwölf µg, 1+ \u202f")]
        system = make.system(patients[0])
        make.dose(system)
        now = timezone.now()
        first = Sheet.objects.create(
            patient=patients[1], kind="desk.call", at=now, written_at=now, by=staff, content={"said": "ä"}
        )
        Sheet.objects.create(
            patient=patients[1], kind="desk.call", at=now, written_at=now, by=staff, content={"said": "b"},
            supersedes=first, reason="misheard",
        )  # fmt: skip
        Score.objects.bulk_create(
            Score(patient=patients[0], at=now, scale_id="penn", code="1+", value=1.5) for _ in range(3)
        )
    return patients


def everything() -> dict[str, list[str]]:
    return {
        model._meta.label: [row_digest(row) for row in models.QuerySet(model).order_by("pk")]
        for model in kept_models()
    }


def empty() -> None:
    """An empty database, as a new clinic has it."""
    OpenErasure.objects.create(at=timezone.now())
    for model in reversed(kept_models()):
        rows = models.QuerySet(model)
        rows._raw_delete(rows.db)
    OpenErasure.objects.all().delete()


def test_what_was_backed_up_is_what_is_restored_to_the_byte(people, home: Path, tmp_path: Path) -> None:
    before, archive = everything(), tmp_path / "clinic.tar.gz"
    kept = back_up(archive, home)
    empty()
    there = tmp_path / "there"
    manifest = unpack(archive, there)
    verified = load_rows(archive)
    assert (verified.faults, verified.head) == ((), manifest["head"])
    assert everything() == before
    assert kept.rows == sum(map(len, before.values()))
    assert (there / "secret_key").read_text() == "of this clinic"
    assert (there / "implants" / "pumps" / "V1.slot").read_bytes() == bytes(range(256))
    assert sorted(path.name for path in there.iterdir()) == ["implants", "secret_key"]
    assert archive.stat().st_mode & 0o077 == 0


def test_a_restored_clinic_goes_on(people, make, home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "clinic.tar.gz"
    back_up(archive, home)
    empty()
    load_rows(archive)
    make.patient(number="T-after")
    assert Patient.objects.get(pk=people[0].pk).number == people[0].number
    assert verify().faults == ()
    assert TrailHead.objects.get().number > 0


def test_a_backup_goes_into_an_empty_place_only(people, home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "clinic.tar.gz"
    back_up(archive, home)
    with pytest.raises(ArchiveError, match="is not empty"):
        unpack(archive, home)
    with pytest.raises(ArchiveError, match="expected an empty one"):
        load_rows(archive)
    with pytest.raises(ArchiveError, match="there already"):
        back_up(archive, home)


@pytest.mark.parametrize("part", ["record/record.patient.jsonl", "home/secret_key", "manifest.json"])
def test_a_damaged_backup_is_refused_before_anything_is_put_back(
    people, home: Path, tmp_path: Path, part: str
) -> None:
    archive, bad = tmp_path / "clinic.tar.gz", tmp_path / "bad.tar.gz"
    back_up(archive, home)
    with tarfile.open(archive) as old, tarfile.open(bad, "w:gz") as new:
        for member in old.getmembers():
            if member.name != part:
                new.addfile(member, old.extractfile(member))
    there = tmp_path / "there"
    with pytest.raises(ArchiveError, match="backup: "):
        unpack(bad, there)
    assert not there.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_backup_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.tar.gz"
    file.write_bytes(content)
    with pytest.raises(ArchiveError) as refused:
        unpack(file, tmp_path / "there")
    assert "\n" not in str(refused.value)
