"""Where staff work: the patient list, a patient's page, the programmer."""
