"""Every patient belongs to a clinic, those already there to the one there is; clinics seal signatures."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from openitb.clinic.people.beginning import checked_now, first_clinic
from openitb.clinic.record import plain
from openitb.clinic.record.models.patient import clinic_of_new_patients

NEW = ("clinic_id", "is_restricted")


def place_patients(apps: Any, schema_editor: Any) -> None:
    patients = apps.get_model("record", "Patient").objects
    if patients.exists():
        clinic = first_clinic(apps)
        for patient in patients.iterator(chunk_size=2000):
            _place(patient, clinic)
    checked_now(schema_editor)


def _place(patient: Any, clinic: Any) -> None:
    """Set the clinic, and tell the trail what the row is held to from now on."""
    from openitb.clinic.record.models import Action
    from openitb.clinic.record.trail import Deed, append

    was = {name: value for name, value in plain.plain(patient).items() if name not in NEW}
    patient.clinic = clinic
    patient.save(update_fields=["clinic"])
    content = {
        "was": plain.digest([str(patient.pk), was]),
        "row": plain.row_digest(patient),
        "before": {},
        "after": {"clinic_id": clinic.pk, "is_restricted": False},
    }
    append(Deed(Action.CHANGED, plain.subject(patient), patient.key, "the record learnt of clinics", content))


class Migration(migrations.Migration):
    dependencies = [
        ("record", "0002_trail"),
        ("people", "0002_clinics"),
    ]

    operations = [
        migrations.AddField(
            model_name="patient",
            name="clinic",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="patients",
                to="people.clinic",
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="is_restricted",
            field=models.BooleanField(default=False, help_text="Only the care team sees the record."),
        ),
        migrations.RunPython(place_patients, migrations.RunPython.noop),
        # In two steps: the default is asked of the live model, which a migration must not do.
        migrations.AlterField(
            model_name="patient",
            name="clinic",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="patients", to="people.clinic"
            ),
        ),
        migrations.AlterField(
            model_name="patient",
            name="clinic",
            field=models.ForeignKey(
                default=clinic_of_new_patients,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="patients",
                to="people.clinic",
            ),
        ),
        migrations.AddField(
            model_name="signature",
            name="shown",
            field=models.TextField(default="", help_text="The sheet's text as it stood before the person."),
        ),
        migrations.AddField(
            model_name="signature",
            name="signer",
            field=models.CharField(default="", help_text="Name and roles as they were.", max_length=240),
        ),
        migrations.AlterField(
            model_name="signature",
            name="meaning",
            field=models.CharField(
                choices=[
                    ("written by", "Written by"),
                    ("ordered by", "Ordered by"),
                    ("verified by", "Verified by"),
                ],
                max_length=48,
            ),
        ),
        migrations.CreateModel(
            name="SealKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("at", models.DateTimeField(db_index=True)),
                ("fingerprint", models.CharField(max_length=16, unique=True)),
                (
                    "public_key",
                    models.CharField(help_text="The key's 32 bytes in hexadecimal.", max_length=64),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seal_keys",
                        to="people.clinic",
                    ),
                ),
            ],
            options={
                "ordering": ("at", "id"),
            },
        ),
    ]
